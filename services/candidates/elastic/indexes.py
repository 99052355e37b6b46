from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from elasticsearch import AsyncElasticsearch

from services.candidates.elastic.cluster import Cluster
from services.candidates.elastic.schema import SERVING_REFRESH, Schema
from services.candidates.elastic.vector_field import VectorField, fields_in

# The document that says how far an index is; no search finds it, since it is not eligible.
_OFFSET: Final = "offset"
# Where an index keeps the names of vectors by digest; a field's own notes are too short for some.
_NAMES: Final = "vectors"


@dataclass(frozen=True, slots=True)
class Index:
    """An index of the items; `serving`: the alias leads to it. `vector_fields` are what it has for named vectors."""

    name: str
    schema: str
    serving: bool
    vector_fields: tuple[VectorField, ...] = ()


class Indexes:
    """The indexes of the items, `<alias>-v<time>`, of which the alias leads to the one that answers.

    Errors: UnavailableError.
    """

    def __init__(self, cluster: Cluster, alias: str, shards: int, replicas: int) -> None:
        self.alias = alias
        self._cluster = cluster
        self._shards = shards
        self._replicas = replicas

    async def all(self) -> list[Index]:
        """Returns all there are, the oldest first."""
        answer = await self._cluster.work(
            lambda client: client.indices.get(index=f"{self.alias}-v*", allow_no_indices=True)
        )
        return [_index(name, told, self.alias) for name, told in sorted(answer.items())]

    async def current(self) -> Index | None:
        """Returns the one that answers."""
        return next((index for index in await self.all() if index.serving), None)

    async def begun(self, schema: Schema) -> Index | None:
        """Returns the newest one of this schema that does not answer yet: building it goes on where it ended."""
        waiting = [index for index in await self.all() if not index.serving and index.schema == schema.digest]
        return waiting[-1] if waiting else None

    async def create(self, schema: Schema, now: datetime) -> Index:
        """Makes an empty one."""
        name = f"{self.alias}-v{now:%Y%m%d%H%M%S%f}"
        await self._cluster.work(
            lambda client: client.indices.create(index=name, body=schema.body(self._shards, self._replicas))
        )
        return Index(name, schema.digest, serving=False)

    async def vector_fields(self, name: str) -> tuple[VectorField, ...]:
        """Returns what an index has for named vectors."""
        return next((index.vector_fields for index in await self.all() if index.name == name), ())

    async def add_vector_fields(self, name: str, fields: Sequence[VectorField]) -> None:
        """Lets an index have more for named vectors. One process at a time."""
        index = next(index for index in await self.all() if index.name == name)
        properties = {key: told for field in fields for key, told in field.mapping().items()}
        names = {field.digest: field.name for field in (*index.vector_fields, *fields)}
        meta = {"schema": index.schema, _NAMES: names}
        await self._cluster.work(
            lambda client: client.indices.put_mapping(index=name, properties=properties, meta=meta)
        )

    async def promote(self, index: Index) -> None:
        """Lets the alias lead to it and to no other, in one step."""
        former = [other.name for other in await self.all() if other.serving and other.name != index.name]
        await self._cluster.work(
            lambda client: client.indices.put_settings(
                index=index.name, settings={"index.refresh_interval": SERVING_REFRESH}
            )
        )
        await self._cluster.work(lambda client: client.indices.refresh(index=index.name))
        actions: list[dict[str, Any]] = [{"add": {"index": index.name, "alias": self.alias}}]
        actions += [{"remove": {"index": other, "alias": self.alias}} for other in former]
        await self._cluster.work(lambda client: client.indices.update_aliases(actions=actions))

    async def remove_others(self, index: Index) -> None:
        """Removes all but this one."""
        others = [other.name for other in await self.all() if other.name != index.name]
        if others:
            await self._cluster.work(lambda client: client.indices.delete(index=others, ignore_unavailable=True))

    async def offset(self, name: str) -> int:
        """Returns the version of the catalog that an index has reached; 0: nothing of it."""
        answer = await self._cluster.work(lambda client: client.options(ignore_status=404).get(index=name, id=_OFFSET))
        return int(answer["_source"]["catalog_version"]) if answer.get("found") else 0

    async def reach(self, name: str, catalog_version: int) -> None:
        """Notes how far an index is, in the index itself."""

        async def note(client: AsyncElasticsearch) -> Any:
            return await client.index(index=name, id=_OFFSET, document={"catalog_version": catalog_version})

        await self._cluster.work(note)


def _index(name: str, told: Mapping[str, Any], alias: str) -> Index:
    meta = told["mappings"].get("_meta", {})
    fields = fields_in(told["mappings"].get("properties", {}), meta.get(_NAMES, {}))
    return Index(name, meta.get("schema", ""), alias in told["aliases"], fields)
