from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.common.errors import InvalidArgumentError, NotFoundError
from services.ranker.modelserver.config import ConfigWatch, first_configs
from services.ranker.modelserver.manager import ModelManager
from services.ranker.modelserver.settings import ModelServerSettings
from tests.support.fake_model import FakeModel


@pytest.fixture
def manager() -> Iterator[ModelManager]:
    def load(path: Path) -> FakeModel:
        if not (path / "model").exists():
            raise NotFoundError("there is no model in it")
        return FakeModel()

    with ThreadPoolExecutor(1) as executor:
        yield ModelManager(load, executor)


def version(settings: ModelServerSettings, number: int, *, whole: bool = True) -> None:
    folder = settings.base_path / "m" / str(number)
    folder.mkdir(parents=True)
    if whole:
        (folder / "model").touch()


def write(settings: ModelServerSettings, versions: list[int], **labels: int) -> None:
    names = "".join(f'version_labels {{ key: "{name}" value: {number} }}' for name, number in labels.items())
    wanted = "".join(f"versions: {number} " for number in versions)
    settings.config_file.write_text(
        f'model_config_list {{ config {{ name: "m" base_path: "{settings.base_path / "m"}" '
        f"model_version_policy {{ specific {{ {wanted} }} }} {names} }} }}"
    )


@pytest.fixture
def settings(tmp_path: Path) -> ModelServerSettings:
    return ModelServerSettings(state_directory=tmp_path, models=["m"])


async def test_labels_move_with_the_file(manager: ModelManager, settings: ModelServerSettings) -> None:
    for number in (1, 2):
        version(settings, number)
    watch = ConfigWatch(settings, manager)
    write(settings, [1], stable=1)
    await watch.poll()
    assert manager.servable("m", label="stable").version == 1
    write(settings, [1, 2], stable=2, previous=1)
    await watch.poll()
    assert manager.servable("m", label="stable").version == 2
    assert manager.servable("m", label="previous").version == 1
    write(settings, [1], stable=1)
    await watch.poll()
    assert manager.servable("m").version == 1
    await manager.close()


async def test_a_label_waits_for_its_version(manager: ModelManager, settings: ModelServerSettings) -> None:
    version(settings, 1)
    version(settings, 2, whole=False)
    watch = ConfigWatch(settings, manager)
    write(settings, [1], stable=1)
    await watch.poll()
    write(settings, [1, 2], stable=2)
    await watch.poll()
    assert manager.servable("m", label="stable").version == 1
    (settings.base_path / "m" / "2" / "model").touch()
    await watch.poll()
    assert manager.servable("m", label="stable").version == 2
    await manager.close()


@pytest.mark.parametrize("text", ["nonsense {", "", 'model_config_list { config { name: "m" base_path: "/gone" } }'])
async def test_a_file_that_is_none_changes_nothing(
    manager: ModelManager, settings: ModelServerSettings, text: str
) -> None:
    version(settings, 1)
    watch = ConfigWatch(settings, manager)
    write(settings, [1], stable=1)
    await watch.poll()
    settings.config_file.write_text(text)
    await watch.poll()
    settings.config_file.unlink()
    await watch.poll()
    assert manager.servable("m", label="stable").version == 1
    await manager.close()


async def test_a_restarted_server_takes_no_canary_for_the_stable_one(
    manager: ModelManager, settings: ModelServerSettings
) -> None:
    for number in (1, 2):
        version(settings, number)
    write(settings, [1, 2], stable=1, canary=2)
    await manager.configure(first_configs(settings), check_labels=False)
    assert manager.servable("m", label="stable").version == 1
    await manager.close()


def test_a_file_beside_the_models_leaves_the_other_models(settings: ModelServerSettings) -> None:
    version(settings, 1)
    write(settings, [1], stable=1)
    two = settings.model_copy(update={"models": ["m", "other"]})
    assert [config.name for config in first_configs(two)] == ["m", "other"]


def test_a_broken_file_beside_the_models_stops_the_start(settings: ModelServerSettings) -> None:
    version(settings, 1)
    settings.config_file.write_text("nonsense {")
    with pytest.raises(InvalidArgumentError, match=r"models\.config is not a readable"):
        first_configs(settings)
