"""`make bench-features`: the feature store in the demo's shop."""
