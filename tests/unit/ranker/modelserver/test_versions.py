import os
from pathlib import Path

import pytest

from services.ranker.modelserver.versions import Policy, fingerprint, scan


def test_only_directories_named_by_decimal_numbers_are_versions(tmp_path: Path) -> None:
    for name in ("1", "00020", "draft-3", "4.tmp", "-5", "٦", str(1 << 63), ".7"):
        (tmp_path / name).mkdir()
    (tmp_path / "8").write_text("a file")
    assert {number: path.name for number, path in scan(tmp_path).items()} == {1: "1", 20: "00020"}


def test_a_directory_that_is_not_there_is_an_error_and_no_empty_answer(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone"):
        scan(tmp_path / "gone")


@pytest.mark.parametrize(
    ("policy", "chosen"),
    [
        (Policy(), [9]),
        (Policy(latest=2), [5, 9]),
        (Policy(latest=10), [2, 5, 9]),
        (Policy(all=True), [2, 5, 9]),
        (Policy(specific=frozenset({2, 7})), [2]),
    ],
)
def test_the_policy_chooses(policy: Policy, chosen: list[int]) -> None:
    assert list(policy.choose({number: Path(str(number)) for number in (9, 2, 5)})) == chosen


def test_the_fingerprint_changes_with_a_file(tmp_path: Path) -> None:
    file = tmp_path / "saved_model.pb"
    file.write_bytes(b"one")
    before = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == before
    os.utime(file, ns=(1, 1))
    assert fingerprint(tmp_path) != before
