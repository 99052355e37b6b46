import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.common.errors import FailedPreconditionError
from services.common.settings import ServiceSettings
from services.common.signing_key import KEY_FILE, load_signing_key


def test_the_settings_key_is_taken_and_no_file_made(tmp_path: Path) -> None:
    settings = ServiceSettings(state_directory=tmp_path, signing_key=SecretStr("k" * 32))
    assert load_signing_key(settings) == b"k" * 32
    assert list(tmp_path.iterdir()) == []


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    settings = ServiceSettings(state_directory=tmp_path / "new" / "state")
    key = load_signing_key(settings)
    assert len(key) == 32
    assert load_signing_key(settings) == key
    files = list(settings.state_directory.iterdir())
    assert [file.name for file in files] == [KEY_FILE]
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600


def test_services_that_start_together_share_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = list(pool.map(lambda _: load_signing_key(ServiceSettings(state_directory=tmp_path)), range(64)))
    assert len(set(keys)) == 1
    assert [file.name for file in tmp_path.iterdir()] == [KEY_FILE]


def test_different_shops_have_different_keys(tmp_path: Path) -> None:
    keys = {load_signing_key(ServiceSettings(state_directory=tmp_path / name)) for name in ("a", "b")}
    assert len(keys) == 2


def test_a_damaged_key_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_bytes(b"cut off")
    with pytest.raises(FailedPreconditionError, match="has 7 bytes instead of 32; remove it"):
        load_signing_key(ServiceSettings(state_directory=tmp_path))
