from dataclasses import dataclass

from cli.figures import Figures


@dataclass(frozen=True, slots=True)
class Say:
    """Says figures of one engine: SQLite's, the default, by their plain names, another one's with its name behind."""

    figures: Figures
    engine: str

    def __call__(self, name: str, value: float, unit: str) -> None:
        """Says `features.<name>`."""
        suffix = "" if self.engine == "sqlite" else f"_{self.engine}"
        self.figures.say(f"features.{name}{suffix}", value, unit)
