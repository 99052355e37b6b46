"""Pages: planned, filled, rendered, continued from cursors, and similar items as a shelf."""
