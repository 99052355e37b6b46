"""Logs, metrics and traces. Every metric is declared in `declarations`."""
