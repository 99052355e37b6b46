"""A model server as a process of its own: TensorFlow stays out of the tests' process."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import grpc

START_SECONDS = 60.0
# A channel that found nobody yet waits longer each time, up to minutes, unless it is told otherwise.
_EAGER = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 200)]


@contextlib.contextmanager
def model_server(base_path: Path, models: str = '["line"]') -> Iterator[str]:
    """Serves the models under `base_path` and yields the address; at the end it must stop by itself, with 0."""
    with model_server_to_kill(base_path, models) as (address, process):
        yield address
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, (base_path / "server.log").read_text()


@contextlib.contextmanager
def model_server_to_kill(base_path: Path, models: str = '["line"]') -> "Iterator[tuple[str, subprocess.Popen[bytes]]]":
    """Serves the models under `base_path`; yields the address and the process, which may end in any way."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "VITRINE_STATE_DIRECTORY": str(base_path / "state"),
        "VITRINE_MODELSERVER_MODEL_BASE_PATH": str(base_path),
        "VITRINE_MODELSERVER_MODELS": models,
        "VITRINE_MODELSERVER_PORT": str(port),
        "VITRINE_MODELSERVER_POLL_SECONDS": "0.1",
    }
    command = [sys.executable, "-m", "services.ranker.modelserver", "--exit-with-parent", str(os.getpid())]
    log = base_path / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}", _EAGER) as channel:
            _wait_until_connected(channel, process, log)
        yield f"127.0.0.1:{port}", process
    finally:
        process.kill()
        process.wait()


def _wait_until_connected(channel: grpc.Channel, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    ready = grpc.channel_ready_future(channel)
    while True:
        try:
            ready.result(timeout=0.2)
            return
        except grpc.FutureTimeoutError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
