import json
from datetime import UTC, datetime
from pathlib import Path

FOLDER = Path("build/figures")


class Figures:
    """The figures of one benchmark: each is printed as a line `figure <name> <value> <unit>`, and all are kept as JSON.

    Args:
        benchmark: names the JSON file, `build/figures/<benchmark>.json`.
    """

    def __init__(self, benchmark: str) -> None:
        self._benchmark = benchmark
        self._figures: dict[str, dict[str, float | str]] = {}

    def say(self, name: str, value: float, unit: str) -> None:
        """Prints one figure and keeps it."""
        print(f"figure {name} {value:.6g} {unit}", flush=True)
        self._figures[name] = {"value": value, "unit": unit}
        FOLDER.mkdir(parents=True, exist_ok=True)
        document = {"measured_at": datetime.now(UTC).isoformat(timespec="seconds"), "figures": self._figures}
        (FOLDER / f"{self._benchmark}.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
