"""Syntax to model: one reader a dialect, and `link` for the joins."""
