import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, insert

from services.features.store.lru import LruCache
from services.features.store.store import Store
from services.features.store.tables import ATTRIBUTE_TYPES, USERS
from services.features.store.times import Arrivals
from services.features.store.upsert import upsert
from services.features.users import queries
from services.features.users.consent import is_personal
from services.features.users.user_plan import KnownUser, UserPlan
from vitrine.features.v1 import user_service_pb2 as pb


class Users:
    """What the shop said of its users, and who is who. Belongs to the event loop; the database is written first."""

    def __init__(self, store: Store, cached_users: int) -> None:
        self._store = store
        self._arrivals = Arrivals()
        self._types: dict[str, str] = {}
        self._aliases: dict[str, str] = {}
        self._restricted: set[str] = set()
        # A user of whom nothing is said is kept too, as an empty tuple: most visitors are that.
        self._cache: LruCache[str, tuple[KnownUser, ...]] = LruCache(cached_users)
        self.changing = asyncio.Lock()
        """Held by whoever changes users; readers need it not."""

    async def load(self) -> None:
        """Reads attribute types, aliases and consents into memory."""
        self._types = await self._store.read(queries.read_types)
        self._aliases = await self._store.read(queries.read_aliases)
        self._restricted = await self._store.read(queries.read_restricted)

    def resolve(self, key: str) -> str:
        """Returns whose the key is by now: a merged anonymous visitor is the user."""
        return self._aliases.get(key, key)

    def aliases_of(self, key: str) -> list[str]:
        """Returns the keys of the anonymous visitors who were merged into a user."""
        return [anonymous for anonymous, user in self._aliases.items() if user == key]

    def is_restricted(self, key: str) -> bool:
        """Returns whether the stored consent forbids to keep what the visitor does."""
        return key in self._restricted

    async def find(self, keys: Iterable[str]) -> dict[str, KnownUser]:
        """Returns those of the users of whom the shop said something, by (resolved) key."""
        found: dict[str, tuple[KnownUser, ...]] = {}
        missing = []
        for key in keys:
            if (cached := self._cache.get(key)) is not None:
                found[key] = cached
            else:
                missing.append(key)
        if missing:
            async with self.changing:  # what is read now must not overwrite what is being changed
                read = await self._store.read(lambda connection: queries.read_users(connection, missing))
                for key in missing:
                    found[key] = (read[key],) if key in read else ()
                    self._cache.put(key, found[key])
        return {key: known[0] for key, known in found.items() if known}

    async def write(self, updates: Sequence[pb.UserUpdate], keys: Sequence[str], now: datetime) -> list[pb.UserResult]:
        """Takes words in; a result for each, in order. `keys` are the visitors', resolved. Hold `changing`."""
        arrival = self._arrivals.take(now, len(updates))

        def work(connection: Connection) -> tuple[UserPlan, list[pb.UserResult]]:
            plan = UserPlan(queries.read_users(connection, list(set(keys))), self._types, arrival)
            results = [plan.upsert(place, keys[place], update) for place, update in enumerate(updates)]
            upsert(connection, USERS, [queries.user_row(key, known) for key, known in plan.changed.items()])
            if plan.new_types:
                rows = [{"name": name, "type": kind} for name, kind in plan.new_types.items()]
                connection.execute(insert(ATTRIBUTE_TYPES), rows)
            return plan, results

        plan, results = await self._store.write(work)
        self._types |= plan.new_types
        self.publish(plan.changed)
        return results

    def publish(self, changed: Mapping[str, KnownUser | None]) -> None:
        """Makes committed changes known; None: nothing is said of the user any more."""
        for key, known in changed.items():
            self._cache.put(key, (known,) if known is not None else ())
            if known is None or is_personal(known.message.consent):
                self._restricted.discard(key)
            else:
                self._restricted.add(key)

    def publish_merge(self, anonymous_key: str, user_key: str) -> None:
        """Makes a committed merge known."""
        self._aliases[anonymous_key] = user_key

    def publish_erasure(self, key: str) -> None:
        """Forgets a user, after the commit."""
        self.publish({key: None})
        for alias in self.aliases_of(key):
            del self._aliases[alias]
