"""`make demo`: a real grocer's shop from its data to its homepages, step by step."""
