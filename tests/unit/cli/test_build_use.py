from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from services.common.artifacts import ArtifactStore
from services.common.errors import NotFoundError

MOMENT = datetime(2025, 6, 1, tzinfo=UTC)


def use(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["--state-directory", str(folder), "build", "use", *arguments])


def publish(store: ArtifactStore, *, make_current: bool) -> str:
    def write(folder: Path) -> None:
        (folder / "item_nos.npy").write_bytes(b"1")

    return store.publish("neighbors", write, {}, MOMENT, make_current=make_current).version


def test_a_version_that_was_kept_back_is_taken_and_given_up_again(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path / "artifacts")
    first, kept = publish(store, make_current=True), publish(store, make_current=False)
    for version in (kept, first):
        result = use(tmp_path, "neighbors", version)
        assert result.exit_code == 0
        assert f"neighbors {version} is current" in result.output
        current = store.current("neighbors")
        assert current is not None
        assert current.version == version


def test_a_version_that_is_not_there_leaves_all_as_it_was(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path / "artifacts")
    first = publish(store, make_current=True)
    with pytest.raises(NotFoundError, match=f"available: {first}"):
        raise use(tmp_path, "neighbors", "77").exception or AssertionError("it went through")
    current = store.current("neighbors")
    assert current is not None
    assert current.version == first


def test_only_tables_of_the_candidates_service_can_be_chosen(tmp_path: Path) -> None:
    assert use(tmp_path, "behavior_model", "1").exit_code == 2
