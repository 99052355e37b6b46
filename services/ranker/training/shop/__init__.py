"""A shop's data for training: catalog, log in order of time, and the features as of any moment."""
