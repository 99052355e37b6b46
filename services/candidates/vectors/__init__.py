"""Vectors of items, by name or of the behavior model, and the search among them."""
