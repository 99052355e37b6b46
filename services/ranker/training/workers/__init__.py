"""Several processes that train one model together (TF_CONFIG)."""
