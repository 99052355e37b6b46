"""The database: tables, transactions off the event loop, heads by which processes learn of each other's changes."""
