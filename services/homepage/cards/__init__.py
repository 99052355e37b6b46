"""Cards: loads the chosen items as they are now, checks them a last time, and renders them."""
