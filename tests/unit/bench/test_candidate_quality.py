import asyncio
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.candidate_quality.baskets import bench_baskets
from bench.candidate_quality.complete_journey import NextBaskets
from bench.candidate_quality.offline_shop import source_shares
from bench.candidate_quality.sequences import bench_sequences, read_sequences
from cli.errors import CommandError
from services.candidates.proposals import Proposals
from services.candidates.retrieval import Outcome, Retrieved
from services.candidates.settings import CandidatesSettings
from services.common.progress import NoProgress
from vitrine.candidates.v1 import candidate_service_pb2 as pb
from vitrine.features.v1.item_pb2 import Item

DAY = 86_400_000
NOW = 1_700_000_000_000


def folder_of(tmp_path: Path, lines: list[str]) -> Path:
    (tmp_path / "sequences.txt").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("validation", [True, False])
def test_what_always_follows_is_found_and_what_never_did_is_not(tmp_path: Path, validation: bool) -> None:
    def recall(folder: Path, wanted: str) -> float:
        folder.mkdir()
        items = pd.DataFrame({"item_id": ["a", "x/😀"], "attributes": [["tea"], []], "words": ["green tea", None]})
        items.to_parquet(folder / "items.parquet")
        teachers = [f"t{user} 1 2 a x/😀 p{user} q{user}" for user in range(30)]
        asking = [f"u{user} f{user} 1 2 {wanted}" + f" r{user}" * validation for user in range(10)]
        sequences = read_sequences(folder_of(folder, teachers + asking))
        scores = asyncio.run(bench_sequences(sequences, CandidatesSettings(), NoProgress(), validation=validation))
        assert scores.users == 40
        assert 0 <= scores.ndcg <= scores.recall <= scores.recall_at_300
        then_bought, popular = scores.shares["then_bought"], scores.shares["popular"]
        assert 0 <= then_bought[1] <= then_bought[0] <= popular[0]  # a small shop's popular items are all of them
        return scores.recall

    assert recall(tmp_path / "good", "a") - recall(tmp_path / "bad", "zzz") >= 0.2


@pytest.mark.parametrize("lines", [[], ["u 1 2"]])
def test_sequences_that_leave_nothing_to_hold_out_are_refused(tmp_path: Path, lines: list[str]) -> None:
    with pytest.raises(CommandError, match="three items a user"):
        read_sequences(folder_of(tmp_path, lines))


def test_a_folder_without_sequences_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        read_sequences(tmp_path)


def test_next_baskets_are_scored_by_source() -> None:
    items = [Item(item_id=str(number), title=f"thing {number}", price=1.0) for number in range(1, 9)]
    rows = [(user, item, NOW - day * DAY, user * 10 + day) for user in range(6) for day in (10, 5) for item in (1, 2)]
    rows += [(6, 3, NOW - 5 * DAY, 99)]
    past = pd.DataFrame(rows, columns=["user", "item_no", "millis", "order"])
    data = NextBaskets(items, past, {0: frozenset({1, 8}), 1: frozenset({3})}, {0: {"age_band": "19-24"}}, NOW)
    scores = asyncio.run(bench_baskets(data, CandidatesSettings(), NoProgress()))
    assert scores.users == 2
    again = scores.sources["buy_again"]
    assert again.recall == pytest.approx((1 / 2 + 0) / 2)
    assert again.new_recall == 0
    assert scores.sources["popular"].new_recall == pytest.approx((1 + 1) / 2)  # of 8 items it proposes all
    assert again.unique_share == 0  # popular has it too
    assert scores.recall_at_300 == 1.0


def test_a_source_has_what_it_proposes_and_alone_what_no_other_does() -> None:
    def outcome(source: str, *item_nos: int) -> Outcome:
        proposals = Proposals(np.array(item_nos, np.uint32), np.ones(len(item_nos), np.float32))
        return Outcome(source, pb.SOURCE_STATUS_OK, proposals)

    outcomes = [outcome("a", 1, 2, 9), outcome("b", 2, 3), outcome("c")]
    retrieved = Retrieved(np.array([1, 2], np.uint32), np.ones(2, np.float32), outcomes)
    assert source_shares(retrieved, {1, 2, 3, 4}) == {"a": (0.5, 0.25), "b": (0.5, 0.25), "c": (0.0, 0.0)}
