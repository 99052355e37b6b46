import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from cachetools import LRUCache
from sqlalchemy import Connection, insert

from services.common.consent import is_personal
from services.common.timestamps import to_millis
from services.features.store.heads import USERS as USERS_HEAD
from services.features.store.heads import read_head
from services.features.store.store import Store
from services.features.store.tables import ATTRIBUTE_TYPES, USERS
from services.features.store.times import Arrivals
from services.features.store.upsert import upsert
from services.features.users import consent_outbox, queries, user_changes
from services.features.users.user_plan import KnownUser, UserPlan, join_records
from vitrine.features.v1 import user_service_pb2 as pb


class Aliases:
    """Which anonymous visitors turned out to be which users, both ways, by key."""

    def __init__(self, users: Mapping[str, str] | None = None) -> None:
        self._users: dict[str, str] = {}
        self._visitors: dict[str, list[str]] = {}
        for anonymous, user in (users or {}).items():
            self.set(anonymous, user)

    def user_of(self, key: str) -> str:
        """Returns the user's key; of anyone else, the same key."""
        return self._users.get(key, key)

    def visitors_of(self, user: str) -> list[str]:
        """Returns the keys of the anonymous visitors who are the user."""
        return self._visitors.get(user, [])

    def set(self, anonymous: str, user: str | None) -> None:
        """Notes who an anonymous visitor is; None: nobody known."""
        known = self._users.pop(anonymous, None)
        if known is not None:
            self._visitors[known].remove(anonymous)
            if not self._visitors[known]:
                del self._visitors[known]
        if user is not None:
            self._users[anonymous] = user
            self._visitors.setdefault(user, []).append(anonymous)


class Users:
    """What the shop said of its users, and which visitors are which users. Belongs to the event loop; the database is
    written first.

    A record stays with the visitor that it's about; those of a user's merged visitors are joined when they're read.
    """

    def __init__(self, store: Store, cached_users: int) -> None:
        self._store = store
        self._arrivals = Arrivals()
        self._aliases = Aliases()
        self._restricted: set[str] = set()
        self._version = 0
        # A user of whom nothing is said is kept too, as an empty tuple: most visitors are that.
        self._cache: LRUCache[str, tuple[KnownUser, ...]] = LRUCache(cached_users)
        self._generation = 0
        """Grows with each change of the cache but by readers: what was read before it isn't cached."""
        self.changing = asyncio.Lock()
        """Held by whoever changes users, never across a remote call. Readers don't take it."""

    async def load(self) -> None:
        """Reads aliases and consents into memory."""
        async with self.changing:
            await self._load()

    async def _load(self) -> None:
        def read(connection: Connection) -> tuple[int, dict[str, str], set[str]]:
            version = read_head(connection, USERS_HEAD)
            return version, queries.read_aliases(connection), queries.read_restricted(connection)

        self._version, aliases, self._restricted = await self._store.read(read)
        self._aliases = Aliases(aliases)
        self._generation += 1
        self._cache.clear()

    async def catch_up(self, version: int) -> None:
        """Learns what other processes changed, up to a version of the users at least."""
        if version <= self._version:
            return
        async with self.changing:
            after = self._version

            def read(connection: Connection) -> tuple[int, list[str] | None]:
                head = read_head(connection, USERS_HEAD)
                return head, user_changes.read(connection, after, head)

            head, changed = await self._store.read(read)
            if changed is None:
                await self._load()
                return
            await self._learn(set(changed))
            self._version = head

    async def _learn(self, keys: set[str]) -> None:
        """Reads again who the visitors are and what they allow."""
        some = list(keys)
        aliases, restricted = await self._store.read(
            lambda connection: (queries.read_aliases(connection, some), queries.read_restricted(connection, some))
        )
        self._generation += 1
        for key in keys:
            self._cache.pop(key, None)
            self._aliases.set(key, aliases.get(key))
        self._restricted = (self._restricted - keys) | restricted

    def resolve(self, key: str) -> str:
        """Returns whose the key is by now: a merged anonymous visitor is the user."""
        return self._aliases.user_of(key)

    def members_of(self, key: str) -> list[str]:
        """Returns a user's key and those of the anonymous visitors who were merged into the user."""
        return [key, *self._aliases.visitors_of(key)]

    def is_restricted(self, key: str) -> bool:
        """Returns whether a stored consent forbids to keep what the user, by resolved key, does."""
        return bool(self._restricted) and not self._restricted.isdisjoint(self.members_of(key))

    async def find(self, keys: Iterable[str]) -> dict[str, KnownUser]:
        """Returns those of the users of whom the shop said something, by (resolved) key."""
        members = {key: self.members_of(key) for key in keys}
        records = await self._find({member for group in members.values() for member in group})
        joined = {
            key: join_records(key, {member: records[member] for member in group if member in records})
            for key, group in members.items()
        }
        return {key: known for key, known in joined.items() if known is not None}

    async def _find(self, keys: Iterable[str]) -> dict[str, KnownUser]:
        found: dict[str, tuple[KnownUser, ...]] = {}
        missing = []
        for key in keys:
            if (cached := self._cache.get(key)) is not None:
                found[key] = cached
            else:
                missing.append(key)
        if missing:
            generation = self._generation
            read = await self._store.read(lambda connection: queries.read_users(connection, missing))
            for key in missing:
                if (cached := self._cache.get(key)) is not None:  # published meanwhile: what was read may be older
                    found[key] = cached
                    continue
                found[key] = (read[key],) if key in read else ()
                if generation == self._generation:
                    self._cache[key] = found[key]
        return {key: known[0] for key, known in found.items() if known}

    async def write(self, updates: Sequence[pb.UserUpdate], keys: Sequence[str], now: datetime) -> list[pb.UserResult]:
        """Applies updates; a result for each, in order. `keys` are the visitors', resolved. Hold `changing`."""
        arrival = self._arrivals.take(now, len(updates))

        def work(connection: Connection) -> tuple[UserPlan, list[pb.UserResult], tuple[int, int]]:
            version = user_changes.begin(connection)
            known = queries.read_users(connection, list(set(keys)))
            before = {key: is_personal(user.message.consent) for key, user in known.items()}
            plan = UserPlan(known, queries.read_types(connection), arrival)
            results = [plan.upsert(place, keys[place], update) for place, update in enumerate(updates)]
            upsert(connection, USERS, [queries.user_row(key, known) for key, known in plan.changed.items()])
            if plan.new_types:
                rows = [{"name": name, "type": kind} for name, kind in plan.new_types.items()]
                connection.execute(insert(ATTRIBUTE_TYPES), rows)
            made = user_changes.note(connection, version, plan.changed, to_millis(now))
            turned = [
                key for key, user in plan.changed.items() if is_personal(user.message.consent) != before.get(key, True)
            ]
            consent_outbox.post(connection, consent_outbox.consents_of(connection, turned), made)
            return plan, results, (version, made)

        plan, results, versions = await self._store.write(work)
        self.publish(plan.changed, versions)
        return results

    def publish(self, changed: Mapping[str, KnownUser | None], versions: tuple[int, int]) -> None:
        """Makes committed records known; None: the user has none any more.

        `versions` are those that the transaction found and made. Hold `changing`.
        """
        self._generation += 1
        for key, known in changed.items():
            self._cache[key] = (known,) if known is not None else ()
            if known is None or is_personal(known.message.consent):
                self._restricted.discard(key)
            else:
                self._restricted.add(key)
        self._made(versions)

    def publish_aliases(self, aliases: Mapping[str, str | None], versions: tuple[int, int]) -> None:
        """Makes committed merges known, and with None that one was taken back. Hold `changing`."""
        for anonymous, user in aliases.items():
            self._aliases.set(anonymous, user)
        self._made(versions)

    async def read_again(self, keys: Iterable[str], versions: tuple[int, int]) -> None:
        """Learns what a committed transaction made of users, merged ones among them. Hold `changing`."""
        await self._learn(set(keys))
        self._made(versions)

    def _made(self, versions: tuple[int, int]) -> None:
        found, made = versions
        if found == self._version:  # otherwise others changed something too, and `catch_up` reads that
            self._version = made
