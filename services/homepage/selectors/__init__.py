"""Selectors: which candidates a shelf shows, in which order."""
