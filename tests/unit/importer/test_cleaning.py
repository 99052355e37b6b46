import csv
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cli.errors import CommandError
from cli.importer.batches import batched
from cli.importer.event_fields import EVENTS
from cli.importer.event_ids import derive_event_ids
from cli.importer.events import EventRows
from cli.importer.faults import Fault
from cli.importer.fields import Kind
from cli.importer.item_fields import ITEMS
from cli.importer.items import ItemRows
from cli.importer.newest_kept import NewestKept
from cli.importer.options import ImportOptions
from cli.importer.plan import make_plans
from cli.importer.rejects import Rejects
from cli.importer.rows import Rows
from cli.importer.seen_ids import SeenIds
from cli.importer.user_fields import USERS
from cli.importer.users import UserRows
from services.common.progress import NoProgress
from vitrine.events.v1 import event_pb2


class Cleaned:
    """A file's rows and faults after cleaning and filling."""

    def __init__(self, kind: Kind, path: Path, **options: Any) -> None:
        (plan,) = make_plans([(kind, path)], ImportOptions(**options), NoProgress())
        self.rows: list[Rows] = []
        self.faults: list[Fault] = []
        self.missing: Counter[str] = Counter()
        for chunk in plan.source.chunks(ImportOptions(**options).rows_per_chunk):
            rows, faults = plan.cleaner.clean(chunk)
            self.faults += faults + plan.filler.fill(rows, self.missing)
            self.rows.append(rows)

    def kept(self, *names: str) -> list[tuple[Any, ...]]:
        return [values for rows in self.rows for _, values in rows.together(*names)]

    @property
    def reasons(self) -> list[tuple[int, str, str]]:
        return [(fault.line, fault.field, fault.reason) for fault in self.faults]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file.csv"


def test_every_fault_of_a_row_is_told(file: Path) -> None:
    file.write_text("item_id,title,category,price,stock\n,Tea,Food,x,1.5\n1,Tea,Food,1,2\n", encoding="utf-8")
    cleaned = Cleaned(ITEMS, file)
    assert cleaned.reasons == [(2, "price", "NUMBER_UNREADABLE"), (2, "stock", "NOT_WHOLE")]
    assert cleaned.kept("item_id", "price") == [("1", 1.0)]


def test_a_row_without_a_required_value_is_left_out(file: Path) -> None:
    file.write_text("item_id,title,category\n,Tea,Food\n2,,\n3,Tea,Food\n", encoding="utf-8")
    cleaned = Cleaned(ITEMS, file)
    assert cleaned.reasons == [
        (2, "item_id", "FIELD_REQUIRED"),
        (3, "title", "FIELD_REQUIRED"),
        (3, "category", "FIELD_REQUIRED"),
    ]
    assert cleaned.missing == {"item_id": 1, "title": 1, "category": 1}


PRICES = "item_id,title,category,price,brand\n1,a,F,1,x\n2,b,F,,y\n3,c,F,5,y\n4,d,F,9,\n5,e,F,nan,\n"


@pytest.mark.parametrize(("policy", "price"), [("absent", None), ("default:2.5", 2.5), ("median", 5.0), ("mode", 1.0)])
def test_policies_fill_what_is_missing(file: Path, policy: str, price: float | None) -> None:
    file.write_text(PRICES, encoding="utf-8")
    cleaned = Cleaned(ITEMS, file, missing={"price": policy, "brand": "mode"}, rows_per_chunk=2)
    assert cleaned.kept("price") == [(1.0,), (price,), (5.0,), (9.0,), (price,)]
    assert cleaned.kept("brand") == [("x",), ("y",), ("y",), ("y",), ("y",)]
    assert cleaned.missing == {"price": 2, "brand": 2}


def test_a_row_without_a_value_is_left_out_where_the_policy_says_so(file: Path) -> None:
    file.write_text(PRICES, encoding="utf-8")
    cleaned = Cleaned(ITEMS, file, missing={"price": "leave-out"})
    assert cleaned.kept("item_id") == [("1",), ("3",), ("4",)]
    assert cleaned.reasons == [(3, "price", "FIELD_REQUIRED"), (6, "price", "FIELD_REQUIRED")]


def test_a_default_stands_in_for_a_column_that_is_not_there(file: Path) -> None:
    file.write_text("user,item,time\nu,i,2025-01-01\n", encoding="utf-8")
    cleaned = Cleaned(EVENTS, file, missing={"type": "default:buy"})
    assert cleaned.kept("type") == [(event_pb2.EVENT_TYPE_PURCHASE,)]


def test_a_default_that_does_not_fit_is_refused(file: Path) -> None:
    file.write_text(PRICES, encoding="utf-8")
    with pytest.raises(CommandError, match=r"--missing price=default:cheap: 'cheap' isn't a number"):
        Cleaned(ITEMS, file, missing={"price": "default:cheap"})


def test_the_median_of_a_whole_number_is_whole(file: Path) -> None:
    file.write_text("item_id,title,category,stock\n1,a,F,1\n2,b,F,4\n3,c,F,\n", encoding="utf-8")
    assert Cleaned(ITEMS, file, missing={"stock": "median"}).kept("stock")[-1] == (2,)


def test_a_separator_is_decided_by_the_whole_file(file: Path) -> None:
    file.write_text("item_id;title;category;price\n1;a;F;1.299\n2;b;F;2\n3;c;F;5,50\n", encoding="utf-8")
    assert Cleaned(ITEMS, file, rows_per_chunk=1).kept("price") == [(1299.0,), (2.0,), (5.5,)]
    assert Cleaned(ITEMS, file, decimal=".").reasons == [(4, "price", "NUMBER_UNREADABLE")]


def test_the_order_of_day_and_month_is_decided_by_the_whole_file(file: Path) -> None:
    file.write_text("user,action,item,date\nu,view,i,03/04/2025\nu,view,i,13/04/2025\n", encoding="utf-8")
    cleaned = Cleaned(EVENTS, file, rows_per_chunk=1)
    days = [pd.Timestamp(millis, unit="ms").day for (millis,) in cleaned.kept("event_time")]
    assert days == [3, 13]


def test_a_currency_beside_an_amount_is_the_rows(file: Path) -> None:
    file.write_text("item_id,title,category,price,currency\n1,a,F,5 €,\n2,b,F,$5,eur\n3,c,F,5,usd\n", encoding="utf-8")
    cleaned = Cleaned(ITEMS, file)
    assert cleaned.kept("currency_code") == [("EUR",), ("USD",)]
    assert cleaned.reasons == [(3, "price", "CURRENCY_CONFLICT")]


def test_lines_of_json_may_have_different_columns(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text(
        '{"item_id": 1, "title": "a", "category": ["F", "G"]}\n'
        '{"item_id": 2, "title": "b", "category": "F > H", "price": "5,5", "attributes": {"organic": true}}\n',
        encoding="utf-8",
    )
    cleaned = Cleaned(ITEMS, path, rows_per_chunk=1)
    assert cleaned.kept("item_id", "price") == [("1", None), ("2", 5.5)]
    messages = [update.item for rows in cleaned.rows for _, update in ItemRows(partial=False).messages(rows)]
    assert list(messages[0].category_paths[0].names) == ["F", "G"]
    assert list(messages[1].category_paths[0].names) == ["F", "H"]
    assert messages[1].attributes["organic"].flag is True


def test_an_empty_file_of_json_lines_has_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.touch()
    assert Cleaned(ITEMS, path).kept("item_id") == []


def test_a_header_alone_has_no_rows_and_no_faults(file: Path) -> None:
    file.write_text("user_id,age\n", encoding="utf-8")
    cleaned = Cleaned(USERS, file)
    assert cleaned.kept("user_id") == []
    assert cleaned.faults == []


@pytest.mark.parametrize(
    ("kind", "header", "message"),
    [
        (ITEMS, "title,category,color", "no column for item_id. Columns that are taken for it: item_id, product_id"),
        (EVENTS, "user_id,item_id,time", "no column for type"),
        (USERS, "age,gender", "no column for user_id or anonymous_id"),
    ],
    ids=["items", "events", "users"],
)
def test_a_missing_column_is_named_with_what_would_do(file: Path, kind: Kind, header: str, message: str) -> None:
    file.write_text(f"{header}\n1,2,3\n", encoding="utf-8")
    with pytest.raises(CommandError, match=message):
        Cleaned(kind, file)


def test_a_partial_import_needs_the_id_alone(file: Path) -> None:
    file.write_text("item_id,price\n1,2\n", encoding="utf-8")
    assert Cleaned(ITEMS, file, partial=True).kept("item_id", "price") == [("1", 2.0)]
    with pytest.raises(CommandError, match="--partial changes only"):
        Cleaned(ITEMS, file)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"decimal": ";"}, "--decimal ;"),
        ({"timezone": "Europe/Berln"}, "did you mean 'Europe/Berlin'"),
        ({"timezone": "../etc/passwd"}, "no such zone"),
        ({"list_separator": ""}, "--list-separator"),
        ({"attributes": ("colr",)}, "no such column.*did you mean 'color'"),
    ],
)
def test_options_that_make_no_sense_are_refused(file: Path, options: dict[str, Any], message: str) -> None:
    file.write_text("item_id,title,category,color\n", encoding="utf-8")
    with pytest.raises(CommandError, match=message):
        Cleaned(ITEMS, file, **options)


def event_rows(count: int, **fields: list[Any]) -> Rows:
    base: dict[str, list[Any]] = {
        "user_id": ["u"] * count,
        "type": [1] * count,
        "item_id": ["i"] * count,
        "event_time": [1_000] * count,
    }
    return Rows(range(2, 2 + count), {**base, **fields}, {}, set())


def test_derived_ids_tell_events_apart_by_all_that_they_are_told_by() -> None:
    rows = event_rows(6, item_id=["i", "i", "j", "i", "i", "i"], event_time=[1, 1, 1, 2, 1, 1])
    rows.fields["order_id"] = [None, None, None, None, "o", None]
    derive_event_ids(rows, ["u:u"] * 5 + ["a:u"])
    ids = rows.fields["event_id"]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 5
    again = event_rows(1, item_id=["i"], event_time=[1])
    derive_event_ids(again, ["u:u"])
    assert again.fields["event_id"] == [ids[0]]


def test_parts_of_a_derived_id_do_not_run_together() -> None:
    rows = event_rows(2, item_id=["ab", "a"], search_text=[None, "b"])
    derive_event_ids(rows, ["u:u"] * 2)
    assert len(set(rows.fields["event_id"])) == 2


def test_ids_that_are_there_are_kept() -> None:
    rows = event_rows(2, event_id=["e1", None])
    derive_event_ids(rows, ["u:u"] * 2)
    assert rows.fields["event_id"][0] == "e1"
    assert rows.fields["event_id"][1].startswith("import-")


def test_the_same_id_of_two_visitors_is_two_events() -> None:
    rows = event_rows(3, event_id=["e", "e", "e"], user_id=["u", "v", "u"])
    assert EventRows().drop_duplicates(rows) == 1
    assert rows.left_out == {2}


def test_events_carry_all_that_a_row_says() -> None:
    rows = event_rows(
        1,
        type=[event_pb2.EVENT_TYPE_FOLLOW],
        item_id=[None],
        subject_kind=[event_pb2.SUBJECT_KIND_BRAND],
        subject_id=["b"],
        quantity=[2.0],
        unit_price=[1.5],
        event_time=[1_500],
    )
    rows.attributes["device"] = ["phone"]
    ((line, event),) = EventRows().messages(rows)
    assert line == 2
    assert event.subject.subject_id == "b"
    assert event.subject.kind == event_pb2.SUBJECT_KIND_BRAND
    assert event.event_time.ToMilliseconds() == 1_500
    assert dict(event.context) == {"device": "phone"}
    assert not event.HasField("watched_fraction")


def test_users_carry_their_attributes() -> None:
    rows = Rows([2], {"anonymous_id": ["a"], "consent": [3], "update_time": [5]}, {"age_band": ["25"]}, set())
    ((_, update),) = UserRows(partial=False).messages(rows)
    assert update.user.visitor.anonymous_id == "a"
    assert update.user.attributes["age_band"].text == "25"
    assert update.user.consent == 3
    assert update.user.update_time.ToMilliseconds() == 5
    ((_, partial),) = UserRows(partial=True).messages(rows)
    assert list(partial.update_mask.paths) == ["consent", "attributes.age_band"]


@pytest.mark.parametrize(
    ("times", "kept", "dropped"),
    [
        ([None, None], ["first"], 1),
        ([5, 9], ["second"], 1),
        ([9, 5], ["first"], 1),
        ([5, 5], ["first"], 1),
        ([None, 5], ["second"], 1),
    ],
)
def test_the_newest_row_of_an_item_is_kept(times: list[int | None], kept: list[str], dropped: int) -> None:
    rows = Rows([2, 3], {"title": ["first", "second"], "update_time": times}, {}, set())
    assert NewestKept().drop_older(["i", "i"], rows) == dropped
    assert [title for _, (title,) in rows.together("title")] == kept


def test_a_newer_row_in_a_later_chunk_goes_on_and_an_older_one_does_not() -> None:
    newest = NewestKept()
    for time, left_out in ((5, set()), (4, {0}), (6, set())):
        rows = Rows([2], {"update_time": [time]}, {}, set())
        newest.drop_older(["i"], rows)
        assert rows.left_out == left_out


def test_ids_seen_before_are_known_across_many_calls() -> None:
    seen = SeenIds()
    for begin in range(0, 100, 7):
        assert not seen.seen([f"id-{number}" for number in range(begin, begin + 7)]).any()
    assert seen.seen([f"id-{number}" for number in range(100)]).all()
    assert seen.seen([]).size == 0
    assert np.array_equal(seen.seen(["id-3", "new"]), [True, False])


def test_batches_are_bounded_by_count_and_by_bytes() -> None:
    events = [(line, event_pb2.Event(event_id="x" * size)) for line, size in enumerate([10, 10, 10, 500, 10])]
    assert [batch.lines for batch in batched(events, 2)] == [[0, 1], [2, 3], [4]]
    assert [batch.lines for batch in batched(events, 100, limit_bytes=60)] == [[0, 1, 2], [3], [4]]
    assert list(batched([], 2)) == []


def test_rejects_are_readable_whatever_they_hold(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "rejects.csv"
    with Rejects(path) as rejects:
        assert not path.exists()
        rejects.add("items", Path("a.csv"), Fault(7, "title", 'a "b",\nc', "BAD", "mend it"))
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == [
        {
            "kind": "items",
            "file": "a.csv",
            "line": "7",
            "field": "title",
            "value": 'a "b",\nc',
            "reason": "BAD",
            "remedy": "mend it",
        }
    ]


def test_a_rejects_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rejects.csv").mkdir()
    with pytest.raises(CommandError, match="cannot be written"), Rejects(tmp_path / "rejects.csv"):
        pass
