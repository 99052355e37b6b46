"""What the shop said of an item or a user, in full or in part, in any order: last write wins per field."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

M = TypeVar("M", bound=Message)


@dataclass(slots=True)
class VersionedRecord(Generic[M]):
    """A message and how old its fields are, microseconds since 1970."""

    message: M

    micros: int
    """When it was last updated in full."""

    field_times: dict[str, int] = field(default_factory=dict)
    """When fields were updated alone, after that, by the paths of the masks."""

    @property
    def newest_micros(self) -> int:
        """When the newest update was made."""
        return max([self.micros, *self.field_times.values()])

    def time_of(self, path: str) -> int:
        """Returns when the field was last updated: alone, with its whole map, or with everything."""
        name = path.partition(".")[0]
        return max(self.micros, self.field_times.get(path, self.micros), self.field_times.get(name, self.micros))


def apply_update(known: VersionedRecord[M] | None, message: M, micros: int) -> VersionedRecord[M] | None:
    """Returns the record after a full update; None: the update is outdated.

    Fields with a later update of their own stay as they are. `message` may become part of the answer.
    """
    if known is None:
        return VersionedRecord(message, micros)
    if micros <= known.micros:
        return None
    newer = {path: time for path, time in known.field_times.items() if time >= micros}
    for path in newer:
        copy_field(known.message, message, path)
    return VersionedRecord(message, micros, newer)


def apply_fields(known: VersionedRecord[M], part: M, paths: Sequence[str], micros: int) -> VersionedRecord[M] | None:
    """Returns the record after an update of some fields; None: all of it is outdated. Changes no argument."""
    newer = [path for path in paths if micros > known.time_of(path)]
    if not newer:
        return None
    message = type(known.message)()
    message.CopyFrom(known.message)
    times = dict(known.field_times)
    for path in newer:
        copy_field(part, message, path)
        inner = {name: time for name, time in times.items() if name.startswith(f"{path}.")}
        for name, time in inner.items():
            if time > micros:
                copy_field(known.message, message, name)  # an entry of the map with a later update
            else:
                del times[name]
        times[path] = micros
    return VersionedRecord(message, known.micros, times)


def copy_field(source: M, target: M, path: str) -> None:
    """Sets a field of `target`, or an entry of a map ("attributes.color"), to what it is in `source`: absent too."""
    name, _, key = path.partition(".")
    value: Any = getattr(source, name)
    if key:
        entries: Any = getattr(target, name)
        entries.pop(key, None)
        if key in value:
            entries[key].CopyFrom(value[key])
        return
    target.ClearField(name)
    if isinstance(value, Message):
        if source.HasField(name):
            getattr(target, name).CopyFrom(value)
    elif hasattr(value, "MergeFrom"):
        getattr(target, name).MergeFrom(value)
    elif not source.DESCRIPTOR.fields_by_name[name].has_presence or source.HasField(name):
        setattr(target, name, value)


def is_path(message: type[Message], path: str, maps: frozenset[str]) -> bool:
    """Returns whether `path` names a field of `message`, or an entry of one of its `maps`."""
    name, dot, key = path.partition(".")
    if name not in message.DESCRIPTOR.fields_by_name:
        return False
    return bool(key) and name in maps if dot else True


def times_to_bytes(times: Mapping[str, int]) -> bytes | None:
    """Returns field times for storage; None if there are none."""
    return json.dumps(times, ensure_ascii=False, separators=(",", ":")).encode() if times else None


def times_from_bytes(data: bytes | None) -> dict[str, int]:
    """Returns what `times_to_bytes` wrote."""
    times: dict[str, int] = json.loads(data) if data else {}
    return times
