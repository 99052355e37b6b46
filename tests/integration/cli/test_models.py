"""`vitrine models` beside a model server that serves: labels move within seconds, and nothing is restarted."""

import json
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from tests.support.model_server_process import model_server
from tests.support.saved_model_files import write_line

pytestmark = pytest.mark.slow  # a model server of its own

FOLLOWS_SECONDS = 20.0


class Shop:
    """A state directory and the command that works on it."""

    def __init__(self, state: Path, address: str) -> None:
        self.state = state
        self._environment = {"VITRINE_MODEL_SERVER_ADDRESS": address}

    def vitrine(self, *arguments: str) -> Result:
        command = ["--state-directory", str(self.state), "models", *arguments]
        return CliRunner().invoke(app, command, env=self._environment)

    def served(self) -> dict[int, bool]:
        listed = json.loads(self.vitrine("list", "--json").stdout)
        return {version["version"]: version["served"] for version in listed["versions"]}


def test_promote_and_roll_back_while_it_serves(tmp_path: Path) -> None:
    models = tmp_path / "models"
    for number in (1, 2):
        write_line(models / "behavior", number)
    with model_server(models, '["behavior"]') as address:
        shop = Shop(tmp_path, address)
        for arguments, outcome, stable in (
            (("promote", "1"), "version 1 is stable now", 1),
            (("promote", "2", "--label", "canary"), "version 2 is canary now", 1),
            (("promote", "2"), "version 2 is stable now", 2),
            (("rollback",), "version 1 is stable again, in place of 2", 1),
        ):
            started = time.monotonic()
            done = shop.vitrine(*arguments)
            assert (done.exit_code, done.stderr) == (0, ""), done.output
            assert outcome in done.stdout
            assert time.monotonic() - started < FOLLOWS_SECONDS
            assert shop.served() == {1: stable == 1, 2: stable == 2}
        refused = shop.vitrine("promote", "7")
        assert refused.exit_code == 1
        assert "no version 7" in str(refused.exception)
        assert shop.served() == {1: True, 2: False}


def test_without_a_model_server_the_labels_move_and_it_is_said(tmp_path: Path) -> None:
    write_line(tmp_path / "models" / "behavior", 1)
    shop = Shop(tmp_path, "127.0.0.1:1")
    done = shop.vitrine("promote", "1", "--wait", "0")
    assert done.exit_code == 0
    assert "does not answer with version 1 yet" in done.stderr
    assert json.loads(shop.vitrine("list", "--json").stdout)["versions"][0]["labels"] == ["stable"]
