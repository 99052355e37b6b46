"""Reasons: why each candidate is on the page."""
