from pathlib import Path

from scripts.checks.lengths import too_long


def write(root: Path, name: str, lines: int) -> Path:
    (root / name).write_text("x\n" * lines)
    return Path(name)


def test_a_file_of_the_limit_passes_and_one_line_more_does_not(tmp_path: Path) -> None:
    files = [write(tmp_path, "short.py", 3), write(tmp_path, "long.py", 4)]

    assert too_long(tmp_path, files, limit=3) == ["long.py: 4 lines, at most 3: split it"]


def test_a_last_line_without_newline_counts(tmp_path: Path) -> None:
    (tmp_path / "page.ts").write_text("1\n2\n3")

    assert len(too_long(tmp_path, [Path("page.ts")], limit=2)) == 1


def test_only_source_files_have_a_limit(tmp_path: Path) -> None:
    files = [write(tmp_path, name, 9) for name in ("table.csv", "page.md", "uv.lock", "service.proto")]

    assert [line.split(":")[0] for line in too_long(tmp_path, files, limit=3)] == ["service.proto"]
