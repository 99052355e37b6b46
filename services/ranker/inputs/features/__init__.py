"""Families of candidate features. Each module declares `NAMES` and computes them from one `Context`."""
