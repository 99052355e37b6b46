"""Item statistics as they're stored, shared between workers, ranked, and read."""
