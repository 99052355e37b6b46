import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from numpy.typing import NDArray

from services.common.errors import FailedPreconditionError

VARIABLE: Final = "TF_CONFIG"
_LOOKS: Final = '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'


@dataclass(frozen=True, slots=True)
class Cluster:
    """The processes that train one model together, and which of them this one is. Number 0 is the chief."""

    addresses: tuple[str, ...]
    index: int

    @property
    def is_chief(self) -> bool:
        """True if this process reads the shop, validates, writes, and publishes; the others only train."""
        return self.index == 0

    def part(self, places: NDArray[Any]) -> NDArray[Any]:
        """Returns this process's part of a batch: every n-th, so that the parts are of one size, or of one more."""
        return places[self.index :: len(self.addresses)]

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> "Cluster":
        """Reads TF_CONFIG, as TensorFlow has it. Raises FailedPreconditionError (CLUSTER_UNKNOWN)."""
        try:
            config = json.loads(environment.get(VARIABLE, ""))
            kind, index = config["task"]["type"], config["task"]["index"]
            addresses = config["cluster"]["worker"]
        except (ValueError, KeyError, TypeError) as error:
            raise _unknown("is missing or cannot be read") from error
        if set(config["cluster"]) != {"worker"} or kind != "worker":
            raise _unknown("names other tasks than workers")
        if not _are_addresses(addresses):
            raise _unknown("names no list of two workers or more, each host:port once")
        if type(index) is not int or not 0 <= index < len(addresses):
            raise _unknown(f"has no worker of index {index}")
        return cls(tuple(addresses), index)


def _are_addresses(values: Any) -> bool:
    return (
        isinstance(values, list)
        and all(isinstance(value, str) for value in values)
        and len(set(values)) == len(values) >= 2
    )


def _unknown(fault: str) -> FailedPreconditionError:
    return FailedPreconditionError(
        f"the plan's strategy is multi_worker_mirrored, but {VARIABLE} {fault}; it looks like {_LOOKS}, the same for "
        "all but for the index",
        reason="CLUSTER_UNKNOWN",
    )
