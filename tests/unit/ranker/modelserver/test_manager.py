import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.common.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from services.ranker.modelserver.manager import ModelManager, State
from services.ranker.modelserver.versions import ModelConfig, Policy
from tests.support.fake_model import FakeModel


class FakeLoader:
    """Loads whatever has a file `model`; keeps what it loaded."""

    def __init__(self) -> None:
        self.loaded: dict[str, FakeModel] = {}
        self.calls: list[str] = []
        self.called = threading.Event()

    def __call__(self, path: Path) -> FakeModel:
        self.calls.append(path.name)
        self.called.set()
        if not (path / "model").exists():
            raise NotFoundError("there is no model in it")
        return self.loaded.setdefault(path.name, FakeModel())


@pytest.fixture
def loader() -> FakeLoader:
    return FakeLoader()


@pytest.fixture
def manager(loader: FakeLoader) -> Iterator[ModelManager]:
    with ThreadPoolExecutor(1) as executor:
        yield ModelManager(loader, executor)


def _version(base: Path, number: int, *, whole: bool = True) -> None:
    (base / str(number)).mkdir(parents=True, exist_ok=True)
    if whole:
        (base / str(number) / "model").touch()


def _states(manager: ModelManager) -> dict[int, int]:
    return {version.number: version.state for version in manager.versions("m")}


async def test_a_base_path_that_is_not_there_yet_is_waited_for(manager: ModelManager, tmp_path: Path) -> None:
    await manager.configure([ModelConfig("m", tmp_path / "m")])
    assert manager.versions("m") == []
    with pytest.raises(NotFoundError, match="Latest"):
        manager.servable("m")
    _version(tmp_path / "m", 3)
    await manager.poll()
    assert manager.servable("m").version == 3


async def test_the_old_version_serves_until_its_last_user_has_left(
    manager: ModelManager, loader: FakeLoader, tmp_path: Path
) -> None:
    _version(tmp_path, 1)
    await manager.configure([ModelConfig("m", tmp_path)])
    with manager.servable("m").in_use():
        _version(tmp_path, 2)
        await manager.poll()
        assert manager.servable("m").version == 2
        assert _states(manager) == {2: State.AVAILABLE, 1: State.UNLOADING}
        await asyncio.sleep(0.01)
        assert [model.closed for model in loader.loaded.values()] == [False, False]
    await manager.close()
    assert loader.loaded["1"].closed
    assert _states(manager) == {2: State.END, 1: State.END}


async def test_a_broken_version_is_tried_again_only_when_its_files_change(
    manager: ModelManager, loader: FakeLoader, tmp_path: Path
) -> None:
    _version(tmp_path, 1)
    _version(tmp_path, 2, whole=False)
    await manager.configure([ModelConfig("m", tmp_path, Policy(latest=2))])
    for _ in range(3):
        await manager.poll()
    assert loader.calls == ["1", "2"]
    broken = manager.versions("m")[0]
    assert (broken.state, broken.error_code, broken.error_message) == (State.END, 5, "there is no model in it")
    _version(tmp_path, 2)
    await manager.poll()
    assert manager.servable("m").version == 2


async def test_a_broken_latest_version_unloads_nothing(manager: ModelManager, tmp_path: Path) -> None:
    _version(tmp_path, 1)
    await manager.configure([ModelConfig("m", tmp_path)])
    _version(tmp_path, 2, whole=False)
    await manager.poll()
    assert _states(manager) == {2: State.END, 1: State.AVAILABLE}
    assert manager.servable("m").version == 1


async def test_a_directory_that_vanishes_unloads_nothing(manager: ModelManager, tmp_path: Path) -> None:
    base = tmp_path / "m"
    _version(base, 1)
    await manager.configure([ModelConfig("m", base)])
    base.rename(tmp_path / "elsewhere")
    await manager.poll()
    assert manager.servable("m").version == 1


async def test_a_version_can_be_rolled_back_to(manager: ModelManager, tmp_path: Path) -> None:
    _version(tmp_path, 1)
    await manager.configure([ModelConfig("m", tmp_path)])
    _version(tmp_path, 2)
    await manager.poll()
    await asyncio.sleep(0.05)
    await manager.configure([ModelConfig("m", tmp_path, Policy(specific=frozenset({1})))])
    assert manager.servable("m").version == 1


async def test_a_load_that_was_given_up_is_begun_anew(
    manager: ModelManager, loader: FakeLoader, tmp_path: Path
) -> None:
    _version(tmp_path, 1)
    asked = asyncio.create_task(manager.configure([ModelConfig("m", tmp_path)]))
    await asyncio.to_thread(loader.called.wait, 5)
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    await manager.poll()
    assert manager.servable("m").version == 1


async def test_labels_are_checked_and_kept_if_new_ones_are_refused(manager: ModelManager, tmp_path: Path) -> None:
    _version(tmp_path, 1)
    await manager.configure([ModelConfig("m", tmp_path, labels={"stable": 1})])
    with pytest.raises(FailedPreconditionError, match="version 9 of model m"):
        await manager.configure([ModelConfig("m", tmp_path, labels={"stable": 9})])
    assert manager.servable("m", label="stable").version == 1
    with pytest.raises(InvalidArgumentError, match="canary"):
        manager.servable("m", label="canary")


async def test_at_the_start_labels_may_wait_for_their_versions(manager: ModelManager, tmp_path: Path) -> None:
    await manager.configure([ModelConfig("m", tmp_path, labels={"stable": 1})], check_labels=False)
    _version(tmp_path, 1)
    await manager.poll()
    assert manager.servable("m", label="stable").version == 1
