import json
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Final

from services.candidates.artifacts.group_tastes import Group
from services.candidates.jobs.interactions import Interactions
from services.common.artifacts import ArtifactStore
from services.common.clock import Clock
from services.common.timestamps import to_millis

_GROUPS: Final = "groups.json"
# Reading that was broken off longer ago begins anew: what was erased since would still be in it.
_OLDEST: Final = timedelta(hours=6)


@dataclass(slots=True)
class ReadLog:
    """What a job has read of the log, kept on the disk: a job that was broken off goes on, and an update reads only
    what came since.

    `offsets` are where to go on, by partition; `groups` by user number. `as_of_millis` is what the tables' ages count
    from; 0: the log has not been read to its end yet.
    """

    ARTIFACT: ClassVar[str] = "candidates_log"

    interactions: Interactions
    offsets: dict[int, int] = field(default_factory=dict)
    groups: dict[int, tuple[Group, ...]] = field(default_factory=dict)
    as_of_millis: int = 0

    def save(self, store: ArtifactStore, clock: Clock) -> None:
        """Writes it in the place of the former one."""

        def write(folder: Path) -> None:
            self.interactions.save(folder)
            (folder / _GROUPS).write_text(json.dumps(list(self.groups.items())))

        metadata = {"offsets": list(self.offsets.items()), "as_of_millis": self.as_of_millis}
        store.publish(self.ARTIFACT, write, metadata, clock.now())
        store.prune(self.ARTIFACT, 1)

    def restore(self, store: ArtifactStore, clock: Clock, *, finished: bool) -> bool:
        """Takes over what was saved; returns whether there was something: read to its end, or broken off lately."""
        saved = store.current(self.ARTIFACT)
        if saved is None or (saved.metadata["as_of_millis"] > 0) != finished:
            return False
        if not finished and to_millis(clock.now() - _OLDEST) > saved.created_millis:
            return False
        store.verify(saved)
        self.interactions.restore(saved.path)
        self.offsets = {int(partition): int(offset) for partition, offset in saved.metadata["offsets"]}
        groups = json.loads((saved.path / _GROUPS).read_bytes())
        self.groups = {int(user): tuple((name, value) for name, value in own) for user, own in groups}
        self.as_of_millis = int(saved.metadata["as_of_millis"])
        return True
