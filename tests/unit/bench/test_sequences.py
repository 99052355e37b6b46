import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.sequences import benchmark, counting
from bench.sequences.benchmark import bench_seed
from bench.sequences.counting import CoOccurrence
from bench.sequences.leave_one_out import Histories
from bench.sequences.reranking import Reranking, learn_reranking
from bench.sequences.sequence_fit import SequenceModel
from bench.sequences.sequence_folder import read_sequence_folder
from bench.sequences.sequence_plan import SequencePlan
from cli.errors import CommandError
from services.common.progress import NoProgress
from services.ranker.model.config import BehaviorModelConfig


def plan() -> SequencePlan:
    """A training of seconds."""
    model = BehaviorModelConfig(width=8, layers=1, heads=1, history_length=8, dropout=0.0, minimum_item_events=1)
    sizes = {"judgments": 3, "judge_epochs": 4, "judge_steps": 1, "batch_places": 64}
    return SequencePlan(model=model, learning_rate=0.02, average_decay=0.9, precision="float32", **sizes)


def folder_of(folder: Path, lines: list[str]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "sequences.txt").write_text("\n".join(lines), encoding="utf-8")
    return folder


def rounds(users: int = 60, items: int = 12) -> list[str]:
    """Users who walk round a circle of items, each from a place of their own."""
    return [f"u{user} " + " ".join(f"i{(user + step) % items}" for step in range(7)) for user in range(users)]


@pytest.mark.slow
@pytest.mark.parametrize("sampled", [False, True], ids=["full softmax", "sampled softmax"])
def test_what_always_follows_is_learned(tmp_path: Path, sampled: bool) -> None:
    data = read_sequence_folder(folder_of(tmp_path, rounds()))
    chosen = replace(plan(), full_softmax_items=0, sampled_items=32) if sampled else plan()
    result = bench_seed(data, chosen, 1, NoProgress(), most_members=1)
    assert result.reranked.ndcg > 0.8  # by chance: below 0.5
    assert result.model.ndcg <= result.model.recall
    assert result.reranked.recall == 1.0


@pytest.mark.slow
def test_two_trainings_of_one_seed_are_the_same(tmp_path: Path) -> None:
    data = read_sequence_folder(folder_of(tmp_path, rounds()))
    short = replace(plan(), judgments=1, judge_epochs=2)
    assert bench_seed(data, short, 5, NoProgress(), most_members=1) == bench_seed(
        data, short, 5, NoProgress(), most_members=1
    )


@pytest.mark.slow
def test_a_network_that_makes_the_mean_worse_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fit, begun = SequenceModel.fit, []

    def misled(model: SequenceModel, histories: Histories, *arguments: Any, **named: Any) -> float:
        begun.append(model)
        elsewhere = [(history - 1) * 5 % 12 + 1 for history in histories]  # five items on instead of one
        return fit(model, elsewhere if len(begun) == 2 else histories, *arguments, **named)

    monkeypatch.setattr(SequenceModel, "fit", misled)
    data = read_sequence_folder(folder_of(tmp_path, rounds()))
    result = bench_seed(data, plan(), 1, NoProgress(), most_members=2)
    assert (len(begun), result.members) == (2, 1)
    assert result.model == result.single


@pytest.mark.slow
def test_the_test_item_is_read_by_nothing_but_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    learned: list[Reranking] = []

    def kept(*arguments: Any) -> Reranking:
        learned.append(learn_reranking(*arguments))
        return learned[-1]

    monkeypatch.setattr(benchmark, "learn_reranking", kept)
    lines = rounds()
    data = read_sequence_folder(folder_of(tmp_path / "a", lines))
    turned = [" ".join([*line.split()[:-1], "i0" if line.split()[-1] != "i0" else "i1"]) for line in lines]
    other = read_sequence_folder(folder_of(tmp_path / "b", turned))
    short = replace(plan(), judgments=1, judge_epochs=4)
    one, two = (
        bench_seed(data, short, 3, NoProgress(), most_members=1),
        bench_seed(other, short, 3, NoProgress(), most_members=1),
    )
    assert one.validation == two.validation
    histories = [sequence[:-2] for sequence in data.sequences]
    first, second = (reranking.scores(histories) for reranking in learned)
    assert np.array_equal(first, second)
    assert one.reranked != two.reranked


def test_a_folder_without_sequences_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        read_sequence_folder(tmp_path)


def test_content_of_both_files_and_of_none_is_read(tmp_path: Path) -> None:
    lines = ["u a b x/😀", "v b c a"]
    plain = read_sequence_folder(folder_of(tmp_path / "plain", lines))
    assert plain.item_count == 4
    assert not any(numbers.any() for numbers in plain.content)
    described = folder_of(tmp_path / "json", lines)
    (described / "item_attributes.json").write_text(json.dumps({"a": [7, 5], "x/😀": [7], "c": [5], "none": [1]}))
    attributes, words = read_sequence_folder(described).content
    assert attributes.tolist() == [[0, 0], [1, 2], [0, 0], [1, 0], [2, 0]]
    assert not words.any()
    cells = {
        "item_id": ["a", "c", "b"],
        "attributes": [["5", "7"], None, ["7"]],
        "words": ["red nail red", None, "red"],
    }
    tabled = folder_of(tmp_path / "parquet", lines)
    pd.DataFrame(cells).to_parquet(tabled / "items.parquet")
    attributes, words = read_sequence_folder(tabled).content
    assert attributes[:3, 0].tolist() == [0, 1, 1]  # 7; only one item has a 5
    assert words[:3, 0].tolist() == [0, 2, 2]  # red


@pytest.mark.parametrize("lines", [[], ["u 1 2"]])
def test_sequences_with_nothing_to_hold_out_are_refused(tmp_path: Path, lines: list[str]) -> None:
    with pytest.raises(CommandError, match="three items a user"):
        read_sequence_folder(folder_of(tmp_path, lines))


@pytest.mark.parametrize("text", ["{", "[]", '{"1": 5}'])
def test_a_broken_attribute_file_is_refused(tmp_path: Path, text: str) -> None:
    folder = folder_of(tmp_path, ["u 1 2 3"])
    (folder / "item_attributes.json").write_text(text)
    with pytest.raises(CommandError, match="cannot be read"):
        read_sequence_folder(folder)


def test_co_occurrence_counts_as_its_formulas_say() -> None:
    parts = CoOccurrence([np.array([1, 2]), np.array([1, 2, 3]), np.array([3, 1])], 3).parts()
    undirected, _, directed, _ = (part([np.array([1])]) for part in parts)
    assert undirected[0] == pytest.approx([0.0, 2 / (np.sqrt(3 * 2) + 10), 2 / (np.sqrt(3 * 2) + 10)])
    # 1 was followed by 2 twice at one step and by 3 once at two.
    assert directed[0] == pytest.approx([0.0, 2 / np.sqrt(13), 0.5 / np.sqrt(13)])
    longer, shorter = (part([np.array([1, 3])]) for part in parts[:2])
    assert longer[0, 1] == pytest.approx(0.9 * 2 / (np.sqrt(6) + 10) + 1 / (2 + 10))
    assert shorter[0, 1] == pytest.approx(0.5 * 2 / (np.sqrt(6) + 10) + 1 / (2 + 10))


def test_co_occurrence_in_blocks_keeps_the_strongest_of_the_last_items(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(5)
    histories = [random.integers(1, 31, size=int(random.integers(1, 20))) for _ in range(50)]
    whole = CoOccurrence(histories, 30)
    monkeypatch.setattr(counting, "_BLOCK_PAIRS", 40)
    monkeypatch.setattr(counting, "NEIGHBORS", 3)
    bounded = CoOccurrence(histories, 30)
    for kept, table in ((bounded.undirected, whole.undirected), (bounded.directed, whole.directed)):
        for row, expected in zip(kept.toarray(), table.toarray(), strict=True):
            assert sorted(row[row > 0]) == pytest.approx(np.sort(expected[expected > 0])[-3:])
    monkeypatch.setattr(counting, "LAST", 2)
    assert not CoOccurrence([np.array([1, 2, 3])], 3).undirected[0].toarray().any()


@pytest.mark.slow
@pytest.mark.parametrize(
    "lines",
    [
        ["u a b c"],
        ["u a a a", "", "v a a a"],
        ["u a b c", "", "  ", "v c b a"],
        ["u " + " ".join(f"i{step % 30}" for step in range(500)), "v i1 i2 i3"],
    ],
    ids=["one user, nothing to learn", "one item", "blank lines", "a history far longer than is kept"],
)
def test_odd_shops_are_measured_too(tmp_path: Path, lines: list[str]) -> None:
    data = read_sequence_folder(folder_of(tmp_path, lines))
    result = bench_seed(data, replace(plan(), judgments=1, judge_epochs=1), 1, NoProgress(), most_members=1)
    for scores in (result.single, result.model, result.reranked, result.validation):
        assert 0.0 <= scores.ndcg <= scores.recall <= 1.0
