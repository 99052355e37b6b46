"""`make bench-baskets`: candidates and ranker together on next baskets of the demo's grocer, beside the baselines."""
