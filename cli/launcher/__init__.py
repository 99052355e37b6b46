"""Starts and stops the processes of a shop on this machine."""
