"""Opens the demo's shop step by step: until pages can be shown, then until the model ranks them."""

import asyncio
from collections.abc import Iterable
from datetime import datetime

from rich.console import Console

from cli.echo import echo_throughput
from cli.importer.importing import import_files
from cli.launcher.launcher import Launcher
from cli.launcher.process import PROCESSES
from cli.launcher.run_record import RunRecord
from cli.rendering.progress import terminal_progress
from cli.rendering.training import render_training
from cli.shop import Shop
from cli.training import ShopTraining
from demo.readiness import LINEAR, MODEL, wait_until_loaded
from demo.shop_files import ShopFiles, prepare_shop
from demo.stages import REFERENCE_ECHO, Stages, StageTimes
from services.common.progress import Progress
from services.ranker.training.plan import RunOptions

READY_SECONDS = 120.0
TRAINING_SECONDS = 60.0
"""What examples, fit and gate may take on the reference machine; on a slower one more."""

PROBE_SECONDS = 0.5

ALL = tuple(process.name for process in PROCESSES)
LOG = ("events", "features")
"""What an import needs."""

PAGES = ("candidates", "ranker", "homepage")
"""What pages need besides."""


class Opening:
    """Brings a shop up: imports and trains if that was not done before, and starts every process.

    Args:
        shop: the shop.
        launcher: starts its processes.
        files: the shop's data.
        stages: what was done before.
        times: what each stage takes.
        console: where progress and the training's outcome are shown.
    """

    def __init__(  # noqa: PLR0917  # a composition root
        self,
        shop: Shop,
        launcher: Launcher,
        files: ShopFiles,
        stages: Stages,
        times: StageTimes,
        console: Console,
    ) -> None:
        self._shop = shop
        self._launcher = launcher
        self._files = files
        self._stages = stages
        self._times = times
        self._console = console
        self._options = RunOptions()
        self._started: list[RunRecord] = []
        self._training: ShopTraining | None = None
        self.trained = stages.done("trained", files.fingerprint)
        """Whether the model was trained by an earlier run."""

    async def prepare(self, now: datetime) -> None:
        """Makes the shop's files if they are not there, while the first processes start."""
        with terminal_progress(self._console) as progress:
            if not self.trained:
                with self._times.stage("probe"):
                    echo = await echo_throughput(PROBE_SECONDS)
                self._options = RunOptions(budget_seconds=TRAINING_SECONDS * max(1.0, REFERENCE_ECHO / echo))
            self._started = self._launcher.start(ALL if self.trained else LOG, any_free_port=True)
            with self._times.stage("data"), progress.task("preparing the shop's files", 1) as task:
                await asyncio.to_thread(prepare_shop, self._files, self._stages, now)
                task.advance()

    async def until_pages(self) -> None:
        """Does what the first page needs: with the model if it's trained already, else with the linear scorer."""
        with terminal_progress(self._console) as progress:
            with self._times.stage("start"):
                self._wait(self._started, progress)
            if self.trained:
                with self._times.stage("load"):
                    await wait_until_loaded(self._shop, progress, MODEL)
                return
            if not self._stages.done("imported", self._files.fingerprint):
                with self._times.stage("import"):
                    await self._import(progress)
            # They start while this process computes.
            started = self._launcher.start(PAGES, any_free_port=True)
            self._training = ShopTraining(self._shop, progress, options=self._options)
            with self._times.stage("read"):
                await self._training.read()
            with self._times.stage("tables"):
                await self._training.publish_tables()
            with self._times.stage("linear"):
                await self._training.publish_linear()
            with self._times.stage("load"):
                self._wait(started, progress)
                await wait_until_loaded(self._shop, progress, LINEAR)

    async def train(self) -> bool:
        """Trains and waits until pages are ranked with the model; returns whether they are."""
        if self._training is None:
            raise ValueError("until_pages comes first")
        with terminal_progress(self._console) as progress, self._times.stage("training"):
            started = self._launcher.start(["modelserver"], any_free_port=True)
            trained = await self._training.fit()
            self._times.add({name: trained.report.seconds.get(name, 0.0) for name in ("examples", "fit", "publish")})
            self._wait(started, progress)
            if trained.report.promoted:
                await wait_until_loaded(self._shop, progress, MODEL)
                self._stages.mark("trained", self._files.fingerprint)
        self._console.print(render_training(trained))
        return trained.report.promoted

    async def _import(self, progress: Progress) -> None:
        # An import that was interrupted begins again: what is in already stays as it is.
        files = self._files
        await import_files(
            self._shop, items=[files.items], users=[files.users], events=[files.events], progress=progress
        )
        self._stages.mark("imported", files.fingerprint)

    def _wait(self, started: Iterable[RunRecord], progress: Progress) -> None:
        records = list(started)
        if records:
            with progress.task("starting " + ", ".join(record.name for record in records), len(records)) as task:
                for _ in self._launcher.wait_until_serving(records, timeout_seconds=READY_SECONDS):
                    task.advance()
