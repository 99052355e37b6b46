import subprocess
from pathlib import Path

from scripts.checks.tree import project_files


def test_tracked_and_new_files_count_ignored_and_deleted_ones_do_not(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    for name in ("new ü.md", "tracked.py", "deleted.py", "ignored.log"):
        (tmp_path / name).write_text("x")
    (tmp_path / ".gitignore").write_text("*.log\n")
    subprocess.run(["git", "add", "tracked.py", "deleted.py"], cwd=tmp_path, check=True)
    (tmp_path / "deleted.py").unlink()

    assert project_files(tmp_path) == [Path(".gitignore"), Path("new ü.md"), Path("tracked.py")]
