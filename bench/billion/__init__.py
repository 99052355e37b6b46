"""`make bench-billion`: a behavior model of a billion parameters."""
