from pathlib import Path

import pytest

from scripts.checks.machine_names import EXCEPTED, machine_names, names_in

# Written in two halves, so that this file passes the check itself.
WORK = "/" + "work/shop"
HOST = "pypi" + ".org"


@pytest.mark.parametrize(
    "line",
    [
        f"data = Path('{WORK}')",
        f"cd {WORK} && make",
        "see /" + "home/ada/notes",
        "open /" + "Users/ada",
        "log in /" + "tmp/vitrine.log",
        "HOME=/" + "root",
        f"index-url = https://{HOST}/simple",
        f"https://files.{'pythonhosted'}.org/x.whl",
        f"https://registry.{'npmjs'}.org/",
    ],
)
def test_a_name_of_a_machine_is_found(line: str) -> None:
    assert len(names_in(line)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "https://shop.example/" + "work/with/us",
        "tests/" + "work/fixture.csv",
        "mountPath: /tmp",
        "$(HOME)/root/of/all",
        "a /rootless container",
        "GET /homepage",
        "the package is on the index",
    ],
)
def test_other_paths_and_words_are_not(line: str) -> None:
    assert names_in(line) == []


def test_a_finding_says_where(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text(f"set -e\ncd {WORK}\n")

    (finding,) = machine_names(tmp_path, [Path("run.sh")])

    assert finding.startswith("run.sh:2: ")


def test_the_lock_file_and_binary_files_are_passed_over(tmp_path: Path) -> None:
    (lock,) = [path for path in EXCEPTED if path.name == "uv.lock"]
    (tmp_path / lock).write_text(f"https://{HOST}/simple\n")
    (tmp_path / "model.bin").write_bytes(b"\xff\xfe" + WORK.encode())

    assert machine_names(tmp_path, [lock, Path("model.bin")]) == []
