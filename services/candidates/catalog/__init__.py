"""What is known of every item, in columns by item number, and the masks of item filters."""
