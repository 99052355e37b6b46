"""Filters: by an item's state, by request and visitor, and one card per group of variants."""
