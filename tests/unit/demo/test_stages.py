from pathlib import Path

from demo.stages import Stages, fingerprint_of


def test_a_stage_is_done_for_what_it_was_made_from_only(tmp_path: Path) -> None:
    stages = Stages(tmp_path / "stages.json")
    assert not stages.done("imported", "a")
    stages.mark("imported", "a")
    stages.mark("trained", "b")
    again = Stages(tmp_path / "stages.json")
    assert again.done("imported", "a")
    assert not again.done("imported", "b")
    assert again.done("trained", "b")


def test_a_broken_file_means_nothing_was_done(tmp_path: Path) -> None:
    file = tmp_path / "stages.json"
    file.write_text("[", encoding="utf-8")
    assert not Stages(file).done("imported", "a")


def test_fingerprints_tell_where_one_part_ends(tmp_path: Path) -> None:
    assert fingerprint_of("ab", "c") != fingerprint_of("a", "bc")
    file = tmp_path / "f"
    file.write_bytes(b"1")
    before = fingerprint_of("x", files=[file])
    file.write_bytes(b"2")
    assert fingerprint_of("x", files=[file]) != before
