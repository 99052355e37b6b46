"""The figures' printing, which the command line's benchmarks share."""

from cli.figures import FOLDER, Figures

__all__ = ["FOLDER", "Figures"]
