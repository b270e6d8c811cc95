"""One module for each syntax that can be edited. The registry finds them by themselves."""
