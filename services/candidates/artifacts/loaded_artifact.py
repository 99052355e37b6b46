from typing import Generic, TypeVar

Loaded = TypeVar("Loaded")


class LoadedArtifact(Generic[Loaded]):
    """Where one loaded artifact stands. Readers take `value` once per request, so a swap never hurts one under way; the
    former value is freed with the last request that reads it.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.value: Loaded | None = None
        self.version = ""
        self.refused: dict[str, str] = {}
        self.kept_back: dict[str, str] = {}

    def put(self, version: str, value: Loaded) -> None:
        """Makes `value` the loaded one; what was refused before it is history."""
        self.value, self.version = value, version
        self.refused.clear()
        self.kept_back.clear()

    def refuse(self, version: str, reason: str) -> None:
        """Notes that a version does not fit; the loaded one stays."""
        self.refused[version] = reason

    def keep_back(self, version: str, reason: str) -> None:
        """Notes that a version was published and not made current; it may be yet."""
        self.kept_back[version] = reason

    def refusals(self) -> list[str]:
        """Returns the versions that were refused or kept back, each with its reason."""
        return [f"{self.name} {version}: {reason}" for version, reason in {**self.kept_back, **self.refused}.items()]
