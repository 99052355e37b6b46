"""`make bench-candidates`: how fast candidates are found."""
