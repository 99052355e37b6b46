"""Measurements, each run by a `make bench-…` target. They print figures; nothing here is shipped."""
