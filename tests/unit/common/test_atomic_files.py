from pathlib import Path

import pytest

from services.common.atomic_files import remove_atomically, sync_tree, write_atomically


def test_a_file_is_written_with_its_folder_and_over_an_older_one(tmp_path: Path) -> None:
    path = tmp_path / "a" / "file.json"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


def test_what_cannot_be_written_leaves_the_older_file_and_nothing_aside(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.mkdir()
    (path / "inside").touch()
    with pytest.raises(OSError, match=r"file\.json"):
        write_atomically(path, b"two")
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_gone_as_a_whole(tmp_path: Path) -> None:
    folder = tmp_path / "7"
    write_atomically(folder / "deep" / "file", b"one")
    sync_tree(folder)
    remove_atomically(folder)
    assert list(tmp_path.iterdir()) == []
