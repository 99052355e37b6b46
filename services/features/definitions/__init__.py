"""What each feature is: how an event changes it, how it's stored and read. Training uses the same definitions."""
