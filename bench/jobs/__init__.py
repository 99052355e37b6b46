"""`make bench-jobs`: time and memory of the jobs of candidates."""
