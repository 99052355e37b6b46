from pathlib import Path

import numpy as np
import pytest

from services.common.errors import InvalidArgumentError
from services.ranker.modelserver.warmup import WARMUP_FILE, warm_up
from tests.support.fake_model import FakeModel
from tests.support.saved_model_files import write_warm_up

X = np.ones((2, 3), np.float32)


def test_every_recorded_request_runs_through_the_model(tmp_path: Path) -> None:
    write_warm_up(tmp_path, [{"x": X}, {"x": X[:1]}])
    model = FakeModel()
    assert warm_up(model, tmp_path) == 2
    assert model.rows == [2, 1]


def test_no_file_is_no_warm_up(tmp_path: Path) -> None:
    assert warm_up(FakeModel(), tmp_path) == 0


@pytest.mark.parametrize("kept", [5, 13, -1])
def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, kept: int) -> None:
    write_warm_up(tmp_path, [{"x": X}])
    file = tmp_path / WARMUP_FILE
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(InvalidArgumentError, match="cut short"):
        warm_up(FakeModel(), tmp_path)


def test_too_many_records_are_refused(tmp_path: Path) -> None:
    write_warm_up(tmp_path, [{"x": X}])
    file = tmp_path / WARMUP_FILE
    file.write_bytes(file.read_bytes() * 1001)
    with pytest.raises(InvalidArgumentError, match="more than 1000"):
        warm_up(FakeModel(), tmp_path)
