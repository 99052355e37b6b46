"""SQLite, MySQL and MariaDB: how each engine is set up, and how transactions behave on it."""
