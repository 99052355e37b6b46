"""Experiments: deterministic buckets that override page parameters."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.homepage.parameters import PageParameters

Name = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")


class Bucket(BaseModel):
    """One bucket: its weight, and the parameters that it overrides."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Name
    weight: float = Field(1.0, ge=0, allow_inf_nan=False)
    parameters: dict[str, Any] = Field(default_factory=dict)


class Experiment(BaseModel):
    """A named set of buckets. Buckets with unknown parameters, or with values out of range, are rejected at start."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Name
    buckets: tuple[Bucket, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> "Experiment":
        names = [bucket.name for bucket in self.buckets]
        if len(set(names)) != len(names):
            raise ValueError(f"experiment {self.name}: bucket names must differ")
        if not sum(bucket.weight for bucket in self.buckets) > 0:
            raise ValueError(f"experiment {self.name}: give one bucket a weight above 0")
        for bucket in self.buckets:
            PageParameters.model_validate(bucket.parameters)
        return self

    def bucket_of(self, visitor_key: str) -> Bucket:
        """Returns the visitor's bucket: the same in every process at any time, independent of other experiments."""
        digest = hashlib.blake2b(f"{self.name}\0{visitor_key}".encode(), digest_size=8, person=b"vitrine-exp").digest()
        point = int.from_bytes(digest, "big") / 2**64 * sum(bucket.weight for bucket in self.buckets)
        for bucket in self.buckets:
            point -= bucket.weight
            if point < 0:
                return bucket
        return next(bucket for bucket in reversed(self.buckets) if bucket.weight > 0)


class Assignment(NamedTuple):
    """A visitor's bucket in an experiment."""

    experiment: str
    bucket: str

    def __str__(self) -> str:
        return f"{self.experiment}={self.bucket}"


class Experiments:
    """The running experiments. A later one overrides what an earlier one set."""

    def __init__(self, experiments: Sequence[Experiment], defaults: PageParameters) -> None:
        self._experiments = {experiment.name: experiment for experiment in experiments}
        self._defaults = defaults

    def buckets(self, experiment: str) -> tuple[str, ...]:
        """Returns the bucket names of an experiment; empty if it isn't running."""
        found = self._experiments.get(experiment)
        return tuple(bucket.name for bucket in found.buckets) if found else ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the experiments."""
        return tuple(self._experiments)

    def assign(self, visitor_key: str, overrides: Mapping[str, str]) -> tuple[tuple[Assignment, ...], PageParameters]:
        """Returns the visitor's buckets and the resulting parameters; `overrides` replaces buckets by name."""
        assignments: list[Assignment] = []
        changed: dict[str, Any] = {}
        for experiment in self._experiments.values():
            wanted = overrides.get(experiment.name)
            bucket = next(
                (bucket for bucket in experiment.buckets if bucket.name == wanted), None
            ) or experiment.bucket_of(visitor_key)
            assignments.append(Assignment(experiment.name, bucket.name))
            changed |= bucket.parameters
        if not changed:
            return tuple(assignments), self._defaults
        return tuple(assignments), PageParameters.model_validate(self._defaults.model_dump() | changed)
