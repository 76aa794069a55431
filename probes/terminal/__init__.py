"""Watching and comparing targets from a terminal. Stores nothing; `rich` is imported for a live view alone."""
