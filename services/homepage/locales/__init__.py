"""Titles and reasons in words, per language."""
