"""`make bench-candidate-quality`: what the candidate sources find, on folders of sequences and on next baskets."""
