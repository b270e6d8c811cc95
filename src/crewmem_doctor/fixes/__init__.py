"""Remedies as edits: changes of the model in, exact splices of files out, each proved by another look at the tree."""
