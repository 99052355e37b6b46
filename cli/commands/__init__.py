"""One module per command or group of commands; `cli/main.py` imports each only when it runs."""
