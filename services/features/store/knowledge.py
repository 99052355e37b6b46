"""What the shop said of an item or a user, in whole or in part, in any order: for each field the newest word holds."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

M = TypeVar("M", bound=Message)


@dataclass(slots=True)
class Knowledge(Generic[M]):
    """A message and how old its fields are, microseconds since 1970."""

    message: M

    micros: int
    """When it was last said as a whole."""

    field_times: dict[str, int] = field(default_factory=dict)
    """When fields were said alone, after that, by the paths of the masks."""

    @property
    def newest_micros(self) -> int:
        """When the last word was said."""
        return max([self.micros, *self.field_times.values()])

    def time_of(self, path: str) -> int:
        """Returns when the field was said last: alone, with its whole map, or with everything."""
        name = path.partition(".")[0]
        return max(self.micros, self.field_times.get(path, self.micros), self.field_times.get(name, self.micros))


def learn_whole(known: Knowledge[M] | None, message: M, micros: int) -> Knowledge[M] | None:
    """Returns what is known once `message` was said as a whole; None: that is old news.

    Fields that were said alone and later stay as they are. `message` may become part of the answer.
    """
    if known is None:
        return Knowledge(message, micros)
    if micros <= known.micros:
        return None
    newer = {path: time for path, time in known.field_times.items() if time >= micros}
    for path in newer:
        copy_field(known.message, message, path)
    return Knowledge(message, micros, newer)


def learn_fields(known: Knowledge[M], part: M, paths: Sequence[str], micros: int) -> Knowledge[M] | None:
    """Returns what is known once fields were said; None: all of that is old news. Changes no argument."""
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
                copy_field(known.message, message, name)  # an entry of the map that was said later
            else:
                del times[name]
        times[path] = micros
    return Knowledge(message, known.micros, times)


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
    """Returns field times for storage; None where there are none."""
    return json.dumps(times, ensure_ascii=False, separators=(",", ":")).encode() if times else None


def times_from_bytes(data: bytes | None) -> dict[str, int]:
    """Returns what `times_to_bytes` wrote."""
    times: dict[str, int] = json.loads(data) if data else {}
    return times
