"""Files and folders that probes make for themselves."""
