"""Static pages: the fallback if no page can be made."""
