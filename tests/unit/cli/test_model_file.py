from pathlib import Path

import pytest

from cli.errors import CommandError
from cli.model_file import read_plan
from services.ranker.training.plan import TrainingPlan


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "large.json"
    file.write_text('{"width": 64, "heads": 4, "dropout": 0, "hidden": [256, 128]}')
    plan = read_plan(file)
    assert (plan.model.width, plan.model.heads, plan.model.dropout, plan.model.hidden) == (64, 4, 0, (256, 128))
    assert plan.model.layers == TrainingPlan().model.layers
    assert plan.epochs == TrainingPlan().epochs


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "cannot be used"),
        ("[]", "not a JSON object"),
        ('{"widht": 64}', "no such fields: widht"),
        ('{"width": "64"}', 'width is "64"'),
        ('{"width": true}', "width is true"),
        ('{"width": 1.5}', "width is 1.5"),
        ('{"width": null}', "width is null"),
        ('{"hidden": []}', "hidden is"),
        ('{"hidden": [1, "x"]}', "hidden is"),
        ('{"width": 33}', "multiple of heads"),
        ('{"width": 0}', "width is 0; give 1 or more"),
        ('{"crosses": -1}', "crosses is -1; give 0 or more"),
        ('{"hidden": [64, 0]}', "hidden is .64, 0.; give sizes of 1 or more"),
        ('{"dropout": 1.0}', "dropout is 1.0; give 0 or more and below 1"),
        ('{"dropout": NaN}', "dropout is nan; give 0 or more and below 1"),
        ('{"unseen_rate": -0.1}', "unseen_rate is -0.1; give 0 or more and below 1"),
    ],
)
def test_what_is_no_model_is_refused_by_name(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "model.json"
    file.write_text(text)
    with pytest.raises(CommandError, match=told):
        read_plan(file)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.json"
    file.write_bytes(b"\xff\xfe{")
    with pytest.raises(CommandError, match="cannot be used"):
        read_plan(file)


def test_a_plan_says_how_it_is_trained_and_a_model_beside_it_wins(tmp_path: Path) -> None:
    plan, model = tmp_path / "plan.json", tmp_path / "model.json"
    plan.write_text('{"imbalance": "over_sampling", "imbalance_factor": 8, "model": {"width": 64}, "draw": {"own": 9}}')
    model.write_text('{"width": 16}')
    read = read_plan(None, plan)
    assert (read.imbalance, read.imbalance_factor, read.model.width, read.draw.own) == ("over_sampling", 8, 64, 9)
    assert read.draw.slots == TrainingPlan().draw.slots
    assert read_plan(model, plan).model.width == 16
    assert read_plan(None) == TrainingPlan()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"imbalance": "magic"}', "imbalance is magic; give one of weights"),
        ('{"imbalance": 3}', 'it looks like "weights"'),
        ('{"imbalance_factor": 0.5}', "from 1 to 1000"),
        ('{"imbalance_factor": NaN}', "from 1 to 1000"),
        ('{"model": 3}', "model is 3"),
        ('{"model": {"width": 33}}', "multiple of heads"),
        ('{"draw": {"onw": 9}}', "draw: no such fields: onw"),
        ('{"draw": {"slots": 0}}', "slots is 0; give 1 or more"),
        ('{"epochs": 0}', "epochs is 0; give 1 or more"),
        ('{"seed": -1}', "seed is -1; give 0 or more"),
        ('{"retrieval_weight": NaN}', "retrieval_weight is nan; give 0 or more"),
        ('{"cut_days": 0}', "cut_days is 0; give a number above 0"),
        ('{"learning_rate": Infinity}', "learning_rate is inf; give a number above 0"),
    ],
)
def test_what_is_no_plan_is_refused_by_name(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "plan.json"
    file.write_text(text)
    with pytest.raises(CommandError, match=told):
        read_plan(None, file)
