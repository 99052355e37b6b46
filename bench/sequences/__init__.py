"""`make bench-sequences`: backbone and retrieval head of the behavior model, trained on sequences alone, and reranked
with counting. Leave-one-out over all items.
"""
