import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from services.candidates.arrays import gather
from services.candidates.artifacts.checked_arrays import ArtifactRefusedError, check_fit, read_array
from services.candidates.catalog.item_columns import ItemColumns

Group: TypeAlias = tuple[str, str]
"""An attribute of users and its value: ("region", "north")."""


@dataclass(frozen=True, slots=True)
class GroupTastes:
    """What groups of users interact with: group g of `groups` has the stretch starts[g] to starts[g + 1] of `items`
    (places in `item_nos`, ascending in number), the most taken first.

    `shares` are the items' shares of the group's ratings, smoothed towards all users'; `lifts` those over all users'
    shares; `supports` the users of the group who interacted with the item.
    """

    ARTIFACT: ClassVar[str] = "group_tastes"

    groups: tuple[Group, ...]
    item_nos: NDArray[np.uint32]
    digests: NDArray[np.uint32]
    starts: NDArray[np.int64]
    items: NDArray[np.uint32]
    shares: NDArray[np.float32]
    lifts: NDArray[np.float32]
    supports: NDArray[np.uint32]

    def save(self, folder: Path) -> None:
        """Writes one .npy file per column, and the groups as JSON."""
        (folder / "groups.json").write_text(json.dumps(self.groups))
        for name in ("item_nos", "digests", "starts", "items", "shares", "lifts", "supports"):
            np.save(folder / f"{name}.npy", getattr(self, name))

    @classmethod
    def load(cls, folder: Path, columns: ItemColumns) -> "GroupTastes":
        """Reads and checks them; raises ArtifactRefusedError."""
        try:
            groups = tuple((str(name), str(value)) for name, value in json.loads((folder / "groups.json").read_bytes()))
        except (OSError, ValueError, TypeError) as error:
            raise ArtifactRefusedError(f"groups.json cannot be read ({type(error).__name__})") from error
        loaded = cls(
            groups=groups,
            item_nos=read_array(folder, "item_nos", np.uint32, 1),
            digests=read_array(folder, "digests", np.uint32, 1),
            starts=read_array(folder, "starts", np.int64, 1),
            items=read_array(folder, "items", np.uint32, 1),
            shares=read_array(folder, "shares", np.float32, 1),
            lifts=read_array(folder, "lifts", np.float32, 1),
            supports=read_array(folder, "supports", np.uint32, 1),
        )
        check_fit(columns, loaded.item_nos, loaded.digests)
        loaded.check_shape()
        return loaded

    def check_shape(self) -> None:
        """Refuses columns that do not belong together."""
        starts, count = self.starts, len(self.items)
        if len(starts) != len(self.groups) + 1 or starts[0] != 0 or starts[-1] != count or (np.diff(starts) < 0).any():
            raise ArtifactRefusedError("its groups and their items do not belong together")
        if not count or int(self.items.max()) >= len(self.item_nos):
            raise ArtifactRefusedError("it is empty, or has items that it does not name")
        if not len(self.shares) == len(self.lifts) == len(self.supports) == count:
            raise ArtifactRefusedError("its columns are of different lengths")

    def of(self, groups: tuple[Group, ...]) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Returns the positions of these groups' items: of each its group's place in `groups`, and its own."""
        rows = {group: row for row, group in enumerate(self.groups)}
        known = np.array([place for place, group in enumerate(groups) if group in rows], np.intp)
        positions, lengths = gather(self.starts, np.array([rows[groups[place]] for place in known], np.int64))
        return np.repeat(known, lengths), positions
