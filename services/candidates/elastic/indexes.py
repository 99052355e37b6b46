from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from elasticsearch import AsyncElasticsearch

from services.candidates.elastic.cluster import Cluster
from services.candidates.elastic.schema import SERVING_REFRESH, Schema

# The document that says how far an index is; no search finds it, since it is not eligible.
_OFFSET: Final = "offset"


@dataclass(frozen=True, slots=True)
class Index:
    """An index of the items; `serving`: the alias leads to it."""

    name: str
    schema: str
    serving: bool


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
        return [
            Index(name, told["mappings"].get("_meta", {}).get("schema", ""), self.alias in told["aliases"])
            for name, told in sorted(answer.items())
        ]

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
        """Returns the version of the catalogue that an index has reached; 0: nothing of it."""
        answer = await self._cluster.work(lambda client: client.options(ignore_status=404).get(index=name, id=_OFFSET))
        return int(answer["_source"]["catalog_version"]) if answer.get("found") else 0

    async def reach(self, name: str, catalog_version: int) -> None:
        """Notes how far an index is, in the index itself."""

        async def note(client: AsyncElasticsearch) -> Any:
            return await client.index(index=name, id=_OFFSET, document={"catalog_version": catalog_version})

        await self._cluster.work(note)
