"""The content index, a port, and its embedded implementation: items by features and by words."""
