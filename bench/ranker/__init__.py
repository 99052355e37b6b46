"""`make bench-ranker`: ranker, model server and training in the demo's shop."""
