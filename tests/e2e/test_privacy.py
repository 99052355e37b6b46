"""What is kept of a person, what is said of it, and that it can be made to go."""

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from cli.importer.from_elasticsearch.index_copy import IndexCopy
from cli.shop import Shop
from tests.e2e.conftest import RunningShop
from vitrine.common.v1.visitor_pb2 import (
    CONSENT_ESSENTIAL,
    CONSENT_NONE,
    CONSENT_PERSONAL,
    Consent,
    Visitor,
)
from vitrine.features.v1 import user_service_pb2
from vitrine.features.v1.user_pb2 import User
from vitrine.features.v1.user_service_pb2_grpc import UserServiceStub
from vitrine.homepage.v1 import homepage_service_pb2
from vitrine.homepage.v1.homepage_service_pb2_grpc import HomepageServiceStub

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 20.0
CONSENTS = (CONSENT_NONE, CONSENT_ESSENTIAL)

T = TypeVar("T")


def calling(shop: RunningShop, service: str, call: Callable[[Any], Awaitable[T]]) -> T:
    """Makes one call to a service of the shop."""

    async def made() -> T:
        async with Shop(shop.state_directory, shop.environment).channel(service) as channel:
            return await call(channel)

    return asyncio.run(made())


def say(shop: RunningShop, user_id: str, consent: Consent.ValueType) -> None:
    update = user_service_pb2.UserUpdate(user=User(visitor=Visitor(user_id=user_id), consent=consent))
    request = user_service_pb2.UpsertUsersRequest(updates=[update])
    calling(shop, "features", lambda channel: UserServiceStub(channel).UpsertUsers(request, timeout=10))


def shown(shop: RunningShop, visitor: Visitor, consent: Consent.ValueType = CONSENT_PERSONAL) -> list[str]:
    """The items of a visitor's page, in its order."""
    request = homepage_service_pb2.GetHomepageRequest(visitor=visitor, consent=consent)
    answer = calling(shop, "homepage", lambda channel: HomepageServiceStub(channel).GetHomepage(request, timeout=10))
    return [card.item.item_id for shelf in answer.page.shelves for card in shelf.cards]


def leave_copy(folder: Path, visitor: str) -> None:
    """Leaves what an import leaves that was killed while it copied events from Elasticsearch."""
    with IndexCopy(folder, "events", ["http://cluster", "events"]) as copy:
        copy.begin({"events": "its uuid"}, 1)
        copy.append(0, [{"_index": "events", "_id": "1", "_source": {"anonymous_id": visitor}, "sort": [1]}])
    copy.path.write_bytes(copy.path.read_bytes()[:-4])


def traces(shop: RunningShop, *visitor: str) -> set[str]:
    """Where something of a visitor is found."""
    done = shop.run("privacy", "verify", "--json", *visitor)
    places = {each["place"] for each in json.loads(done.stdout)["found"]}
    assert done.returncode == (1 if places else 0)
    return places


def test_all_that_is_known_of_a_person_is_said_and_erased(shop: RunningShop) -> None:
    user, browser = f"user {uuid.uuid4()}", f"browser/{uuid.uuid4()}"
    item = shown(shop, Visitor(user_id=user))[0]
    shop.vitrine("event", "view", "--anonymous", browser, "--item", item)
    shop.vitrine("event", "purchase", "--user", user, "--item", item)
    shop.vitrine("event", "purchase", "--user", user, "--item", item, "--quantity", "-1", code=2)
    shop.vitrine("page", "--user", user)
    say(shop, user, CONSENT_PERSONAL)
    assert "merged" in shop.vitrine("users", "merge", browser, user)
    assert "no longer merged" in shop.vitrine("users", "unmerge", browser, user)
    assert "NOT_MERGED" in shop.vitrine("users", "unmerge", browser, user, code=1)
    assert "merged" in shop.vitrine("users", "merge", browser, user)
    assert "already merged" in shop.vitrine("users", "merge", browser, user)
    wanted = {
        "event store, events.visitor_key",
        "event store, events.payload",
        "event store, pages.visitor_key",
        "event store, quarantined_events.visitor_key",
        "feature store, users.visitor_key",
        "feature store, user_states.visitor_key",
        "feature store, user_merges.user_key",
    }
    give_up = time.monotonic() + PATIENCE_SECONDS
    while missing := wanted - (found := traces(shop, "--user", user)):
        assert time.monotonic() < give_up, missing
        time.sleep(0.2)
    # Logs, artifacts and records name nobody; the stores' own files of course do.
    stores = {str(path) for path in shop.state_directory.glob("*.db*")}
    assert {place for place in found if not place.startswith(("event store", "feature store"))} <= stores

    lines = [json.loads(line) for line in shop.vitrine("privacy", "export", "--user", user).splitlines()]
    kinds = [line["kind"] for line in lines]
    assert (kinds[:2], kinds.count("event"), kinds.count("quarantined_event")) == (["user", "user_state"], 2, 1)
    assert "page" in kinds
    assert lines[0]["merged_anonymous_ids"] == [browser]

    leave_copy(shop.state_directory / "imports", browser)
    receipt = json.loads(shop.vitrine("privacy", "delete", "--json", "--user", user, "--request-id", "letter 7"))
    assert (receipt["deleted_event_count"], receipt["deleted_quarantine_count"]) == ("2", "1")
    again = json.loads(shop.vitrine("privacy", "delete", "--json", "--user", user, "--request-id", "letter 7"))
    assert again["receipt_id"] == receipt["receipt_id"]
    time.sleep(1.0)  # a page that was on its way to the log when the person was erased would be a later one
    for visitor in (("--user", user), ("--anonymous", browser)):
        assert traces(shop, *visitor) == set()
    assert shop.vitrine("privacy", "export", "--user", user) == ""


@pytest.mark.parametrize("consent", CONSENTS)
def test_without_consent_everybody_sees_the_same_page(shop: RunningShop, consent: Consent.ValueType) -> None:
    buyers = [Visitor(user_id=user_id) for user_id in shop.files.user_ids[:2]]
    assert shown(shop, buyers[0]) != shown(shop, buyers[1])
    stranger = Visitor(anonymous_id=f"browser/{uuid.uuid4()}")
    pages = [shown(shop, visitor, consent) for visitor in (*buyers, stranger)]
    assert pages[0] == pages[1] == pages[2]
    assert pages[0]


@pytest.mark.parametrize("consent", CONSENTS)
def test_nothing_is_kept_of_who_refuses(shop: RunningShop, consent: Consent.ValueType) -> None:
    user = f"user {uuid.uuid4()}"
    item = shown(shop, Visitor(anonymous_id="somebody"), CONSENT_NONE)[0]
    shop.vitrine("event", "add_to_cart", "--user", user, "--item", item)
    say(shop, user, consent)
    give_up = time.monotonic() + PATIENCE_SECONDS
    while "not_kept" not in shop.vitrine("event", "view", "--user", user, "--item", item):
        assert time.monotonic() < give_up
        time.sleep(0.1)
    personal = shown(shop, Visitor(user_id=user))
    assert personal == shown(shop, Visitor(anonymous_id="somebody"), CONSENT_NONE)
    time.sleep(1.0)
    # What they said, that they refuse, is all that is known.
    kept = {place for place in traces(shop, "--user", user) if not place.endswith((".db", ".db-wal", ".db-shm"))}
    assert kept == {
        "event store, refusals.visitor_key",
        "feature store, users.visitor_key",
        "feature store, users.payload",
        "feature store, user_changes.visitor_key",
    }
