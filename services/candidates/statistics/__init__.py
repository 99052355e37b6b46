"""Item statistics and the rankings made of them."""
