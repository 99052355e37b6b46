"""One class per source of candidates, one file each, named in `registry.py`."""
