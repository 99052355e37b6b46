"""The `vitrine` command. `main.py` lists its commands; each stands in `commands/`."""
