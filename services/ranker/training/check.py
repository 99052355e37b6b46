from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One condition."""

    name: str
    passed: bool
    found: str
    needed: str

    def __str__(self) -> str:
        return f"{self.name}: {self.found}, needed {self.needed}"
