"""Files to syntax: discovery and one parser a format."""
