"""What training reads of a shop: catalog, log in the order of time, and what was known at any moment of it."""
