"""Layouts: which shelves a page has, as data."""
