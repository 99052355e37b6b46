from pathlib import Path

from tests.support.made_once import made_once


def test_a_folder_is_made_again_only_if_its_sources_changed_or_its_making_was_interrupted(tmp_path: Path) -> None:
    source, cache, calls = tmp_path / "source.py", tmp_path / "cache", 0

    def make(folder: Path) -> None:
        nonlocal calls
        calls += 1
        assert not list(folder.iterdir())
        (folder / "model").write_text(str(calls))

    def made() -> str:
        return (made_once("model", [source], make, cache) / "model").read_text()

    source.write_text("1")
    assert [made(), made()] == ["1", "1"]
    source.write_text("2")
    assert [made(), made()] == ["2", "2"]
    (folder,) = cache.glob("model-*")
    (folder / "done").unlink()
    assert made() == "3"
