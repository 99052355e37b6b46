import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.errors import ExitCode
from cli.main import app, run


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def shop(tmp_path: Path) -> list[str | Path]:
    return ["--state-directory", tmp_path / "state", "import", "--dry-run"]


def test_the_summary_as_json(tmp_path: Path, shop: list[str | Path]) -> None:
    file = tmp_path / "events.tsv"
    file.write_text("user\taction\titem\ttime\tcolor\nu\tview\ti\t2025-01-01\tred\nu\tsteal\ti\t2025-01-01\t\n")
    result = invoke(*shop, "--events", file, "--json")
    assert result.exit_code == ExitCode.ROWS_REJECTED
    summary = json.loads(result.stdout)
    assert summary["rejects_file"] == str(tmp_path / "state" / "imports" / "events.tsv.rejects.csv")
    (events,) = summary["files"]
    assert events["form"] == "CSV, utf-8, delimiter '\\t'"
    assert (events["rows"], events["rejected"], events["outcomes"]) == (2, 1, {"checked": 1})
    assert events["reasons"] == {"WORD_UNKNOWN": 1}
    assert events["unmapped"] == ["color"]


def test_the_summary_as_a_table(tmp_path: Path, shop: list[str | Path]) -> None:
    file = tmp_path / "items.csv"
    file.write_text("sku,name,category,Preis,[red]\n1,Tea,Food,5 €,\n2,Milk,Food,,\n2,Milk,Food,,\n", encoding="utf-8")
    result = invoke(*shop, "--items", file, "--map", "price=preis")
    assert result.exit_code == ExitCode.OK, result.output
    assert "2 checked" in result.stdout
    assert "missing: 2 currency_code, 2 price" in result.stdout
    assert "not taken: [red]" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to import"),
        (["--items", "nowhere.csv"], "nowhere.csv cannot be read"),
        (["--items", "nowhere.csv", "--map", "price"], "--map price: write it as FIELD=COLUMN"),
        (["--items", "nowhere.csv", "--map", "price=a", "--map", "price=b"], "given twice"),
        (["--items", "nowhere.csv", "--missing", "price="], "--missing price=: write it as FIELD=POLICY"),
    ],
)
def test_what_is_wrong_is_told_with_what_to_do(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["vitrine", "import", *arguments])
    assert run() == ExitCode.USAGE
    assert message in " ".join(capsys.readouterr().err.split())


def test_two_files_of_a_kind_are_two_files(tmp_path: Path, shop: list[str | Path]) -> None:
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for file in files:
        file.write_text("user_id,age\nu1,20\n", encoding="utf-8")
    result = invoke(*shop, "--users", files[0], "--users", files[1], "--json")
    assert [Path(file["file"]).name for file in json.loads(result.stdout)["files"]] == ["a.csv", "b.csv"]
