"""The rankings that an evaluation compares, each by its formula."""
