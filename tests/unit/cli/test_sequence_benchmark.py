import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cli.benchmarks.cooccurrence import CoOccurrence
from cli.benchmarks.sequence_folder import read_sequence_folder
from cli.benchmarks.sequences import bench_seed
from cli.errors import CommandError
from services.common.progress import NoProgress
from services.ranker.model.config import BehaviorModelConfig
from services.ranker.training.sequence_plan import SequencePlan


def plan() -> SequencePlan:
    """A training of seconds."""
    model = BehaviorModelConfig(width=8, layers=1, heads=1, history_length=8, dropout=0.0, minimum_item_events=1)
    return SequencePlan(model=model, epochs=12, judge_every=4, batch_places=64, learning_rate=0.02)


def folder_of(folder: Path, lines: list[str]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "sequences.txt").write_text("\n".join(lines), encoding="utf-8")
    return folder


def rounds(users: int = 60, items: int = 12) -> list[str]:
    """Users who walk round a circle of items, each from a place of their own."""
    return [f"u{user} " + " ".join(f"i{(user + step) % items}" for step in range(7)) for user in range(users)]


@pytest.mark.parametrize("sampled", [False, True], ids=["full softmax", "sampled softmax"])
def test_what_always_follows_is_learned(tmp_path: Path, sampled: bool) -> None:
    data = read_sequence_folder(folder_of(tmp_path, rounds()))
    chosen = replace(plan(), full_softmax_items=0, sampled_items=32) if sampled else plan()
    result = bench_seed(data, chosen, 1, NoProgress())
    assert result.blend.ndcg > 0.8  # by chance: below 0.5
    assert result.model.ndcg <= result.model.recall
    assert result.blend.recall == 1.0


def test_two_trainings_of_one_seed_are_the_same(tmp_path: Path) -> None:
    data = read_sequence_folder(folder_of(tmp_path, rounds()))
    short = replace(plan(), epochs=2)
    assert bench_seed(data, short, 5, NoProgress()) == bench_seed(data, short, 5, NoProgress())


def test_the_test_item_is_read_by_nothing_but_the_test(tmp_path: Path) -> None:
    lines = rounds()
    data = read_sequence_folder(folder_of(tmp_path / "a", lines))
    turned = [" ".join([*line.split()[:-1], "i0" if line.split()[-1] != "i0" else "i1"]) for line in lines]
    other = read_sequence_folder(folder_of(tmp_path / "b", turned))
    short = replace(plan(), epochs=4)
    one, two = bench_seed(data, short, 3, NoProgress()), bench_seed(other, short, 3, NoProgress())
    assert (one.validation, one.weights) == (two.validation, two.weights)
    assert one.blend != two.blend


def test_a_folder_without_sequences_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        read_sequence_folder(tmp_path)


def test_attributes_of_both_files_and_of_none_are_read(tmp_path: Path) -> None:
    lines = ["u a b x/😀", "v b c a"]
    plain = read_sequence_folder(folder_of(tmp_path / "plain", lines))
    assert plain.item_count == 4
    assert not plain.attribute_nos.any()
    described = folder_of(tmp_path / "json", lines)
    (described / "item_attributes.json").write_text(json.dumps({"a": [5, 7], "x/😀": [7], "none": [1]}))
    attributes = read_sequence_folder(described).attribute_nos
    assert attributes[1].tolist() == [1, 2]
    assert attributes[3].tolist() == [2, 0]
    tabled = folder_of(tmp_path / "parquet", lines)
    pd.DataFrame({"item_id": ["a", "c"], "attributes": [["5", "7"], None]}).to_parquet(tabled / "items.parquet")
    assert read_sequence_folder(tabled).attribute_nos[1].tolist() == [1, 2]


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
    counts = CoOccurrence([np.array([1, 2]), np.array([1, 2, 3]), np.array([3, 1])], 3)
    undirected, directed = counts.scores([np.array([1])])
    assert undirected[0] == pytest.approx([0.0, 2 / (np.sqrt(3 * 2) + 10), 2 / (np.sqrt(3 * 2) + 10)])
    # 1 was followed by 2 twice at one step and by 3 once at two.
    assert directed[0] == pytest.approx([0.0, 2 / np.sqrt(13), 0.5 / np.sqrt(13)])
