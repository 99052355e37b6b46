"""Vectors of items' texts: the encoder behind a port, a cache on disk, and what keeps the columns supplied."""
