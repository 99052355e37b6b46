from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.candidates.artifacts.embeddings import Embeddings
from services.candidates.catalog.item_columns import item_digest
from services.candidates.job_settings import JobSettings
from services.candidates.jobs.compute import compute
from services.candidates.jobs.events import Events
from services.candidates.settings import CandidatesSettings
from services.common import event_types
from services.common.artifacts import ArtifactStore
from services.common.clock import Clock
from services.common.progress import NoProgress
from services.features.definitions.observation import Observation
from services.features.definitions.user_state import UserState
from vitrine.events.v1 import event_pb2
from vitrine.features.v1.catalog_service_pb2 import CatalogChange
from vitrine.features.v1.feature_service_pb2 import ListItemStatisticsResponse
from vitrine.features.v1.item_pb2 import Item
from vitrine.features.v1.user_features_pb2 import UserFeatures

DAY: Final = 86_400_000
DIMENSIONS: Final = 64
CATEGORIES: Final = 20
_WORDS: Final = 20_000
_EVENTS_PER_USER: Final = 40
_TASTES: Final = 200


@dataclass(frozen=True, slots=True)
class SyntheticShop:
    """A made-up shop of any size, the same for the same numbers: users have one of 200 tastes and keep to its items,
    popularity falls off as it does in shops, a title has six words of 20,000. Half of the items have a vector, which
    points somewhat where the others of their taste do.
    """

    items: int
    users: int
    now_millis: int
    seed: int = 0

    def changes(self, begin: int, end: int) -> list[CatalogChange]:
        """Returns the catalog's changes of items `begin` to `end`, numbers from 1."""
        random = np.random.default_rng((self.seed, begin))
        words = (random.pareto(0.7, (end - begin, 6)) * 20).astype(np.int64) % _WORDS
        ages, reduced = random.integers(1, 1000, end - begin), random.random(end - begin) < 0.1
        vectors = self._tastes()[np.arange(begin, end) % _TASTES] + random.normal(size=(end - begin, DIMENSIONS))
        made = []
        for place, item_no in enumerate(range(begin, end)):
            taste = item_no % _TASTES
            change = CatalogChange(version=item_no, item_no=item_no, item_id=f"item-{item_no}", group_no=item_no)
            change.create_time.FromMilliseconds(self.now_millis - int(ages[place]) * DAY)
            change.item.CopyFrom(self._item(item_no, words[place], reduced=bool(reduced[place])))
            if item_no // _TASTES % 2 == 0:
                change.item.vectors["text"].values.extend(vectors[place])
            change.category_nos.extend([1 + taste % CATEGORIES, 1 + CATEGORIES + taste])
            made.append(change)
        return made

    def events(self, count: int | None = None) -> Events:
        """Returns what users did: about 40 events each, or `count` in all."""
        random = np.random.default_rng(self.seed)
        size = self.users * _EVENTS_PER_USER if count is None else count
        users = random.integers(0, self.users, size).astype(np.uint32)
        # Four of five events keep to the user's taste; inside it the items' popularity falls off.
        tastes = np.where(random.random(size) < 0.8, users % _TASTES, random.integers(0, _TASTES, size))
        places = (random.random(size) ** 3 * (self.items // _TASTES)).astype(np.int64)
        items = np.clip(places * _TASTES + tastes, 1, self.items).astype(np.uint32)
        bought = random.random(size) < 0.2
        # Users buy once a month: what they buy in one is an order.
        days = random.integers(0, 180, size)
        orders = np.where(bought, 1 + users.astype(np.int64) * 6 + days // 30, 0)
        return Events(
            users=users,
            items=items,
            strengths=np.where(bought, 5.0, 1.0).astype(np.float32),
            millis=self.now_millis - days * DAY - random.integers(0, DAY, size),
            orders=orders.astype(np.uint32),
            bought=bought,
        )

    def publish(self, store: ArtifactStore, events: Events, clock: Clock) -> None:
        """Computes and publishes all tables, and vectors that know the tastes."""
        digests = {item_no: item_digest(f"item-{item_no}") for item_no in range(1, self.items + 1)}
        groups = {user: (("region", f"r{user % 20}"),) for user in range(self.users)}
        settings = CandidatesSettings(jobs=JobSettings(held_out_hours=0))
        for made in compute(events, groups, digests, settings, NoProgress()):
            store.publish(made.name, made.save, {}, clock.now())
        store.publish(Embeddings.ARTIFACT, self._save_vectors, {"model_version": "m1"}, clock.now())

    def statistics(self, events: Events) -> ListItemStatisticsResponse:
        """Returns how popular the items are now."""
        item_nos, places = np.unique(events.items, return_inverse=True)
        ages = (self.now_millis - events.millis) / DAY
        columns = [np.bincount(places, events.strengths * np.exp2(-ages / days)).tolist() for days in (1, 7, 30)]
        takers = np.unique(places.astype(np.int64) << 32 | events.users) >> 32
        return ListItemStatisticsResponse(
            item_nos=item_nos.tolist(),
            user_counts=np.bincount(takers, minlength=len(item_nos)).tolist(),
            decayed_1d=columns[0],
            decayed_7d=columns[1],
            decayed_30d=columns[2],
            as_of_millis=self.now_millis,
            version=1,
        )

    def visitors(self, events: Events, count: int) -> list[UserFeatures]:
        """Returns users with all that they did, a cart, a region and a brand that they follow."""
        found = []
        for user in np.unique(events.users)[:count]:
            state, own = UserState(), np.flatnonzero(events.users == user)
            for place in own[np.argsort(events.millis[own])]:
                kind = event_types.PURCHASE if events.bought[place] else event_types.VIEW
                state.apply(Observation(kind, int(events.items[place]), int(events.millis[place]), str(place)))
            last = int(events.items[own[-1]])
            state.apply(Observation(event_types.ADD_TO_CART, last, self.now_millis - 1000, "cart"))
            features = state.features(self.now_millis)
            features.category_affinities.nos.extend([1 + CATEGORIES + int(user) % _TASTES])
            features.category_affinities.weights.append(5.0)
            features.attributes["region"].text = f"r{int(user) % 20}"
            features.follows.add(kind=event_pb2.SUBJECT_KIND_BRAND, subject_id=f"brand {int(user) % 500}")
            found.append(features)
        return found

    def user_vector(self, user: int) -> list[float]:
        """Returns a user's vector: their taste's direction."""
        vector: list[float] = self._tastes()[user % _TASTES].tolist()
        return vector

    def _item(self, item_no: int, words: NDArray[np.int64], *, reduced: bool) -> Item:
        price = 1 + item_no % 97
        item = Item(
            item_id=f"item-{item_no}",
            title=" ".join(f"word{word}" for word in words),
            brand=f"brand {item_no % 500}",
            price=price,
            list_price=price * 1.3 if reduced else 0.0,
        )
        taste = item_no % _TASTES
        item.category_paths.add(names=[f"category {taste % CATEGORIES}", f"kind {taste}"])
        return item

    def _tastes(self) -> NDArray[np.float32]:
        return np.random.default_rng(7).normal(size=(_TASTES, DIMENSIONS)).astype(np.float32)

    def _save_vectors(self, folder: Path) -> None:
        numbers = np.arange(1, self.items + 1, dtype=np.uint32)
        noise = np.random.default_rng(8).normal(size=(self.items, DIMENSIONS)).astype(np.float32)
        np.save(folder / "item_nos.npy", numbers)
        np.save(folder / "vectors.npy", self._tastes()[numbers % _TASTES] + noise)
