"""Keeps the configured versions loaded: a new one is loaded and warmed up next to the old one, then replaces it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import structlog

from services.common.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from services.ranker.modelserver.servable import LoadModel, Servable
from services.ranker.modelserver.status_codes import number_of
from services.ranker.modelserver.versions import Fingerprint, ModelConfig, fingerprint, scan
from services.ranker.tf_protos import get_model_status_pb2

State: Final = get_model_status_pb2.ModelVersionStatus

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Version:
    """The state of one version of one model; the states are those of ModelVersionStatus."""

    number: int
    state: int = State.START
    error_code: int = 0
    error_message: str = ""
    servable: Servable | None = None
    failed_with: Fingerprint | None = None


class ModelManager:
    """Loads and unloads models by configuration and by the versions on disk. Belongs to one event loop.

    `load` runs on `executor`, one model after the other. A version that can't be loaded ends with its error and is
    tried again only once its files have changed; the previous version goes on serving.
    """

    def __init__(self, load: LoadModel, executor: Executor) -> None:
        self._load = load
        self._executor = executor
        self._configs: dict[str, ModelConfig] = {}
        self._versions: dict[str, dict[int, Version]] = {}
        self._changes = asyncio.Lock()
        self._unloads: set[asyncio.Task[None]] = set()

    def servable(self, name: str, *, version: int | None = None, label: str | None = None) -> Servable:
        """Returns the version asked for, or the greatest that is available.

        Raises NotFoundError, or InvalidArgumentError if the label is unknown.
        """
        if label is not None:
            config = self._configs.get(name)
            version = config.labels.get(label) if config else None
            if version is None:
                raise InvalidArgumentError(f"Unrecognized servable version label: {label}", reason="LABEL_NOT_FOUND")
        available = {entry.number: entry.servable for entry in self._of(name) if entry.state == State.AVAILABLE}
        wanted = version if version is not None else max(available, default=None)
        servable = None if wanted is None else available.get(wanted)
        if servable is None:
            request = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise NotFoundError(f"Servable not found for request: {request}", reason="SERVABLE_NOT_FOUND")
        return servable

    def versions(self, name: str) -> list[Version]:
        """Returns every version that was ever wanted since the start, the greatest first."""
        return sorted(self._of(name), key=lambda entry: -entry.number)

    async def configure(self, configs: Iterable[ModelConfig], *, check_labels: bool = True) -> None:
        """Makes `configs` the whole truth: loads what is new, unloads what is not named, then sets the labels.

        Raises FailedPreconditionError if a label names a version that isn't available; then all labels stay as
        they were, the rest holds. Without `check_labels`, labels are set for versions that may come.
        """
        async with self._changes:
            wanted = {config.name: config for config in configs}
            labels = {name: config.labels for name, config in (self._configs if check_labels else wanted).items()}
            self._configs = {name: replace(config, labels=labels.get(name, {})) for name, config in wanted.items()}
            await self._look()
            if check_labels:
                self._check_labels(wanted.values())
            self._configs = wanted

    async def poll(self) -> None:
        """Looks at the disk once and does what is to be done."""
        async with self._changes:
            await self._look()

    async def watch(self, seconds: float, before: Callable[[], Awaitable[None]]) -> None:
        """Polls forever; `before` runs before each poll, for example to check the configuration."""
        while True:
            try:
                await before()
                await self.poll()
            except Exception:  # noqa: BLE001  # what failed once may not stop the watching for good
                _log.exception("model_poll_failed")
            await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Unloads everything."""
        async with self._changes:
            self._configs = {}
            await self._look()
        await asyncio.gather(*self._unloads)

    def _check_labels(self, configs: Iterable[ModelConfig]) -> None:
        for config in configs:
            available = {entry.number for entry in self._of(config.name) if entry.state == State.AVAILABLE}
            for label, number in config.labels.items():
                if number not in available:
                    raise FailedPreconditionError(
                        f"Request to assign label {label} to version {number} of model {config.name}, "
                        "which is not currently available for inference",
                        reason="LABEL_NOT_AVAILABLE",
                    )

    def _of(self, name: str) -> Iterable[Version]:
        return self._versions.get(name, {}).values()

    async def _look(self) -> None:
        for name in self._versions.keys() - self._configs.keys():
            self._retire(name, keep=())
        for config in list(self._configs.values()):
            try:
                found = await asyncio.to_thread(scan, config.base_path)
            except OSError as error:
                _log.debug("model_directory_unreadable", model=config.name, error=str(error))
                continue  # an unreadable disk must not unload anything
            wanted = config.policy.choose(found)
            for number, path in wanted.items():
                await self._bring_up(config.name, number, path)
            is_there = any(entry.number in wanted and entry.state == State.AVAILABLE for entry in self._of(config.name))
            if is_there or not wanted:
                self._retire(config.name, keep=wanted)

    async def _bring_up(self, name: str, number: int, path: Path) -> None:
        entry = self._versions.setdefault(name, {}).setdefault(number, Version(number))
        if entry.state not in (State.START, State.END):
            return
        marks = await asyncio.to_thread(fingerprint, path)
        if entry.failed_with == marks:
            return
        entry.state, entry.error_code, entry.error_message, entry.failed_with = State.LOADING, 0, "", None
        try:
            model = await asyncio.get_running_loop().run_in_executor(self._executor, self._load, path)
        except asyncio.CancelledError:  # the caller gave up, or the server stops: it starts over if still wanted
            entry.state = State.START
            raise
        except Exception as error:  # noqa: BLE001  # whatever is wrong with a model, the others go on serving
            entry.state, entry.failed_with = State.END, marks
            entry.error_code, entry.error_message = number_of(error), str(error)
            _log.error("model_not_loaded", model=name, version=number, error=str(error))
        else:
            entry.servable = Servable(name, number, model)
            entry.state = State.AVAILABLE
            _log.info("model_available", model=name, version=number)

    def _retire(self, name: str, keep: Iterable[int]) -> None:
        """Takes versions that aren't wanted anymore out of service, and unloads them once no request uses them."""
        kept = set(keep)
        for entry in self._of(name):
            if entry.number not in kept and entry.state == State.AVAILABLE and entry.servable is not None:
                entry.state = State.UNLOADING
                unload = asyncio.create_task(self._unload(entry, entry.servable))
                self._unloads.add(unload)
                unload.add_done_callback(self._unloads.discard)

    async def _unload(self, entry: Version, servable: Servable) -> None:
        await servable.unused()
        await asyncio.get_running_loop().run_in_executor(self._executor, servable.model.close)
        entry.servable, entry.state = None, State.END
        _log.info("model_unloaded", model=servable.name, version=servable.version)
