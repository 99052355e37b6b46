"""What the shop says of its users, merges, consent, erasure, export, and a visitor's features put together."""
