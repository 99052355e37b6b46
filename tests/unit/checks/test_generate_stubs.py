import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.generate_stubs import main

PROTO = """
syntax = "proto3";
package vitrine.shop.v1;
message Shop { string name = 1; }
service ShopService { rpc GetShop(Shop) returns (Shop); }
"""
OTHER = 'syntax = "proto3"; package vitrine.shop.v1; message Other {}'


@pytest.fixture(scope="module")
def generated_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    folder = root / "protos" / "vitrine" / "shop" / "v1"
    folder.mkdir(parents=True)
    (folder / "shop.proto").write_text(PROTO)
    (folder / "other.proto").write_text(OTHER)
    assert main(root) == 0
    return root


@pytest.fixture
def root(generated_once: Path, tmp_path: Path) -> Path:
    """A tree of its own, whose stubs are up to date."""
    return shutil.copytree(generated_once, tmp_path / "tree")


def generated(root: Path) -> Path:
    return root / "build" / "stubs" / "vitrine" / "shop" / "v1"


def test_the_package_is_typed_and_can_be_imported(root: Path) -> None:
    names = {path.name for path in generated(root).iterdir()}
    assert names >= {"__init__.py", "shop_pb2.py", "shop_pb2.pyi", "shop_pb2_grpc.py", "shop_pb2_grpc.pyi"}
    assert (root / "build" / "stubs" / "vitrine" / "py.typed").is_file()
    code = "from vitrine.shop.v1 import shop_pb2, shop_pb2_grpc; print(shop_pb2.Shop(name='x').name)"
    run = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(root / 'build/stubs')!r}); {code}"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert run.stdout == "x\n"


def test_nothing_is_done_until_a_proto_changes(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (generated(root) / "shop_pb2.py").write_text("touched")

    assert main(root) == 0
    assert "up to date" in capsys.readouterr().out
    assert (generated(root) / "shop_pb2.py").read_text() == "touched"

    (root / "protos/vitrine/shop/v1/shop.proto").write_text(PROTO.replace("name", "title"))
    assert main(root) == 0
    assert "title" in (generated(root) / "shop_pb2.pyi").read_text()
    assert (generated(root) / "shop_pb2.py").read_text() != "touched"


def test_the_stubs_of_a_removed_proto_go(root: Path) -> None:
    assert (generated(root) / "other_pb2.py").is_file()

    (root / "protos/vitrine/shop/v1/other.proto").unlink()
    assert main(root) == 0

    assert not list(generated(root).glob("other*"))
    assert (generated(root) / "shop_pb2.py").is_file()


def test_a_broken_proto_fails_and_is_tried_again(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    proto = root / "protos/vitrine/shop/v1/shop.proto"
    proto.write_text(PROTO.replace("string name", "strin name"))
    assert main(root) != 0
    assert "strin" in capfd.readouterr().err

    assert main(root) != 0
    proto.write_text(PROTO)
    assert main(root) == 0


def test_a_tree_without_protos_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(tmp_path) == 1
    assert "no .proto file" in capsys.readouterr().err
