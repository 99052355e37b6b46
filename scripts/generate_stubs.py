"""Generates the typed Python package `vitrine` in build/stubs from protos/: messages, gRPC stubs and their type stubs.

TensorFlow's own messages are copied beside them, into `vitrine/_tensorflow`, from the TensorFlow that is installed
here: TensorFlow Serving's messages hold them, and the ranker runs without TensorFlow (see tf_protos.py).

Does nothing if the inputs are those of the last run: the contracts, this script and the two generators. Files are
replaced one by one and only where they differ, so that processes that import them at the same time see whole files.
"""

import hashlib
import importlib.metadata
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "vitrine"
GENERATORS = ("grpcio-tools", "mypy-protobuf")
TENSORFLOW_FOLDERS = ("core/example", "core/framework", "core/protobuf", "compiler/xla/tsl/protobuf")
"""The folders of the package tensorflow whose messages TensorFlow Serving's messages hold."""

TENSORFLOW_COPY = "_tensorflow"
STAMP = ".inputs"


def main(root: Path = ROOT) -> int:
    """Brings `root`/build/stubs up to date with `root`/protos; prints one line; returns the exit code."""
    protos, stubs = root / "protos", root / "build" / "stubs"
    inputs = sorted(protos.rglob("*.proto"))
    if not inputs:
        print(f"stubs: no .proto file under {protos}", file=sys.stderr)
        return 1
    digest = inputs_digest(protos, inputs)
    stamp = stubs / STAMP
    if stamp.is_file() and stamp.read_text() == digest:
        print(f"stubs: up to date ({len(inputs)} protos)")
        return 0
    stubs.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)  # a run that is cut short leaves no stamp, and the next one starts over
    with tempfile.TemporaryDirectory(dir=stubs.parent) as folder:
        generated = Path(folder)
        if code := generate(protos, inputs, generated):
            return code
        copy_tensorflow_messages(generated / PACKAGE / TENSORFLOW_COPY)
        add_package_files(generated)
        written = replace(generated, stubs)
    stamp.write_text(digest)
    print(f"stubs: {len(inputs)} protos → {stubs.relative_to(root)}/{PACKAGE} ({written} files changed)")
    return 0


def inputs_digest(protos: Path, inputs: list[Path]) -> str:
    """Returns the hex digest of all that decides the output: contracts, this script and the generators' versions."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for name in GENERATORS:
        digest.update(f"{name}={importlib.metadata.version(name)};".encode())
    digest.update(f"tensorflow={importlib.metadata.version('tensorflow-serving-api')};".encode())
    for path in inputs:
        digest.update(f"{path.relative_to(protos).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def generate(protos: Path, inputs: list[Path], output: Path) -> int:
    """Runs protoc over all inputs at once; its messages go to stderr. Returns its exit code."""
    scripts = Path(sys.executable).parent
    command = [
        *(sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={protos}"),
        *(f"--plugin=protoc-gen-{name}={scripts / f'protoc-gen-{name}'}" for name in ("mypy", "mypy_grpc")),
        *(f"--python_out={output}", f"--grpc_python_out={output}"),
        *(f"--mypy_out=quiet,readable_stubs:{output}", f"--mypy_grpc_out=quiet,readable_stubs:{output}"),
        *map(str, inputs),
    ]
    return subprocess.run(command, check=False).returncode


def copy_tensorflow_messages(target: Path) -> None:
    """Copies the generated message modules that the installed TensorFlow has in TENSORFLOW_FOLDERS."""
    spec = importlib.util.find_spec("tensorflow")
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError("stubs: TensorFlow is not installed here; run `make setup`", name="tensorflow")
    source = Path(spec.submodule_search_locations[0])
    for folder in TENSORFLOW_FOLDERS:
        (target / folder).mkdir(parents=True)
        for module in (source / folder).glob("*_pb2.py"):
            shutil.copyfile(module, target / folder / module.name)


def add_package_files(output: Path) -> None:
    """Makes every generated folder a regular package, and the whole a typed one (PEP 561)."""
    for folder in (output / PACKAGE).rglob("*"):
        if folder.is_dir():
            (folder / "__init__.py").touch()
    (output / PACKAGE / "__init__.py").touch()
    (output / PACKAGE / "py.typed").touch()


def replace(source: Path, target: Path) -> int:
    """Makes the files of `target` those of `source`; returns how many were written or removed."""
    changed = 0
    fresh = {path.relative_to(source) for path in source.rglob("*") if path.is_file()}
    for name in fresh:
        current = target / name
        if not current.is_file() or current.read_bytes() != (source / name).read_bytes():
            current.parent.mkdir(parents=True, exist_ok=True)
            (source / name).replace(current)
            changed += 1
    for path in sorted(target.rglob("*"), reverse=True):
        if path.is_file() and path.relative_to(target) not in fresh:
            path.unlink(missing_ok=True)  # another run may have been quicker
            changed += path.parent.name != "__pycache__"
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    return changed


if __name__ == "__main__":
    sys.exit(main())
