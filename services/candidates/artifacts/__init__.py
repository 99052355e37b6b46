"""The tables that the jobs publish, as they are read, checked and held in memory."""
