"""The pipeline: stages, executor, budget, and the composition of shelves."""
