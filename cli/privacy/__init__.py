"""`vitrine privacy`: export, and the search for what is left of a visitor."""
