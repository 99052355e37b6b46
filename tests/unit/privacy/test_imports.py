import csv
from pathlib import Path

from cli.importer.from_elasticsearch.index_copy import IndexCopy
from cli.privacy.file_search import search_files
from cli.privacy.imports import clean_imports
from cli.privacy.marks import Marks
from vitrine.common.v1.visitor_pb2 import Visitor

ANNA = Visitor(user_id="anna, who has a long id")
BERT = Visitor(user_id="bert, who has a long id")


def copy_of(folder: Path, index: str, *user_ids: str, finished: bool = False) -> Path:
    """A copy of an index of events with a row of each user: cut short, or kept by an import that ended."""
    with IndexCopy(folder, index, ["http://cluster", "events"]) as copy:
        copy.begin({index: "uuid"}, 1)
        rows = [
            {"_index": index, "_id": str(number), "_source": {"user_id": user_id}, "sort": [number]}
            for number, user_id in enumerate(user_ids)
        ]
        copy.append(0, rows)
        if finished:
            copy.finish(keep=True)
    return copy.path


def rejects(path: Path, value: str) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("kind", "line", "field", "value"), ("users", 1, "user_id", value)])
    return path


def test_copies_that_were_cut_short_go_whoever_is_in_them(tmp_path: Path) -> None:
    hers = copy_of(tmp_path, "hers", ANNA.user_id, BERT.user_id)
    torn = copy_of(tmp_path, "torn", ANNA.user_id)
    torn.write_bytes(torn.read_bytes()[:-5])
    others = copy_of(tmp_path, "others", BERT.user_id)  # he may have been merged into her
    assert list(search_files(tmp_path, Marks(ANNA)))
    removed, in_use = clean_imports(tmp_path, [ANNA])
    assert (set(removed), in_use) == ({hers, torn, others}, [])
    assert list(tmp_path.iterdir()) == []


def test_what_ended_imports_left_goes_where_it_names_the_visitor(tmp_path: Path) -> None:
    hers, his = (rejects(tmp_path / f"{who.user_id[:4]}.csv", who.user_id) for who in (ANNA, BERT))
    kept = copy_of(tmp_path, "items", BERT.user_id, finished=True)
    assert clean_imports(tmp_path, [ANNA]) == ([hers], [])
    assert set(tmp_path.iterdir()) == {his, kept}
    assert set(clean_imports(tmp_path, [ANNA, BERT])[0]) == {his, kept}


def test_a_copy_that_an_import_is_at_work_on_stays_and_is_told(tmp_path: Path) -> None:
    copy_of(tmp_path, "events", ANNA.user_id)
    with IndexCopy(tmp_path, "events", ["http://cluster", "events"]) as copy:
        assert clean_imports(tmp_path, [ANNA]) == ([], [copy.path])
        assert copy.path.exists()
    assert clean_imports(tmp_path, [ANNA]) == ([copy.path], [])


def test_a_copy_that_has_no_page_yet_counts_as_cut_short(tmp_path: Path) -> None:
    with IndexCopy(tmp_path, "events", ["http://cluster", "events"]) as copy:
        copy.begin({"events": "uuid"}, 4)
    assert clean_imports(tmp_path, [ANNA]) == ([copy.path], [])


def test_a_shop_that_imported_nothing_has_nothing_to_clean(tmp_path: Path) -> None:
    assert clean_imports(tmp_path / "imports", [ANNA]) == ([], [])
