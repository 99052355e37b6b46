import asyncio
import os
import shutil
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from cli.echo import echo_throughput
from cli.figures import Figures
from cli.launcher.launcher import Launcher
from cli.rendering.progress import terminal_progress
from cli.shop import Shop
from demo.opening import Opening
from demo.options import DemoOptions
from demo.scenes import Scenes
from demo.shop_files import ShopFiles, planned_shop
from demo.stages import Stages, StageTimes, say_seconds
from demo.visits import Gateway

REPORT = "report.html"
EVALUATED_USERS = 200

BEFORE_TRAINING = (
    "\nThe first pages. The behavior model isn't trained yet: the linear scorer ranks them (step: linear)."
)
AFTER_TRAINING = "\nThe same pages, ranked by the behavior model (step: full)."
NOT_GOOD_ENOUGH = (
    "\nThe behavior model didn't pass the gate (see above): pages stay at step linear. "
    "`vitrine train` trains it with more time."
)


class Demo:
    """A real grocer's shop from its data to its homepages. What a run before this one did is kept where it still fits.

    Args:
        options: how to run.
        console: where everything is shown.
    """

    def __init__(self, options: DemoOptions, console: Console) -> None:
        self._options = options
        self._console = console
        self._stages = Stages(options.folder / "stages.json")
        self._times = StageTimes(console, time.time() - options.started)

    async def run(self) -> None:
        """Shows everything, then keeps the shop running until Ctrl-C unless the options say otherwise."""
        now = datetime.now(UTC)
        files = planned_shop(self._options.folder / "shop", self._stages, now)
        shop = Shop(self._state_directory(files), os.environ)
        launcher = shop.launcher(exit_with_parent=True, debug=True)  # the evaluation replays
        try:
            opening = Opening(shop, launcher, files, self._stages, self._times, self._console)
            await opening.prepare(now)
            await self._show(shop, opening, files)
            if not self._options.exit:
                self._console.print(
                    f"\nThe shop stays open. In another terminal: `.venv/bin/vitrine --state-directory "
                    f"{shop.state_directory} page --user {files.a_user()}`. Ctrl-C closes it."
                )
                await asyncio.Event().wait()
        finally:
            launcher.stop()

    def _state_directory(self, files: ShopFiles) -> Path:
        """Where this very shop lives. One made of other data is closed and removed."""
        own = self._options.folder / f"state-{files.fingerprint}"
        for directory in self._options.folder.glob("state-*"):
            # A run that was killed may have left its shop open.
            Launcher(directory, os.environ).stop()
            if directory != own:
                shutil.rmtree(directory)
        return own

    async def _show(self, shop: Shop, opening: Opening, files: ShopFiles) -> None:
        fresh = not opening.trained
        await opening.until_pages()
        async with shop.channel("homepage") as channel:
            scenes = Scenes(Gateway(channel), files, self._console, picture=self._options.picture)
            with self._times.stage("pages"):
                if fresh:
                    self._console.print(BEFORE_TRAINING, style="bold")
                await scenes.households()
            first_page = time.time() - self._options.started
            if fresh:
                by_model = await opening.train()
                with self._times.stage("pages_model"):
                    self._console.print(AFTER_TRAINING if by_model else NOT_GOOD_ENOUGH, style="bold")
                    if by_model:
                        await scenes.households()
            with self._times.stage("scenes"):
                await scenes.anonymous_with_views()
                click_milliseconds = await scenes.newcomer()
        with self._times.stage("evaluate"):
            await self._evaluate(shop, files)
        seconds = time.time() - self._options.started
        figures = Figures("demo")
        echo = await echo_throughput()
        figures.say("echo.throughput", echo, "/s")
        figures.say("demo.click", click_milliseconds, "ms")
        say_seconds(figures, "demo.first_page", first_page, echo)
        say_seconds(figures, "demo.fresh" if fresh else "demo.again", seconds, echo)
        self._times.print(figures, echo)

    async def _evaluate(self, shop: Shop, files: ShopFiles) -> None:
        # Imported here: the first page doesn't wait for Matplotlib.
        from cli.evaluation.evaluation import QUICK, evaluate_shop
        from cli.evaluation.held_out import read_held_out
        from cli.evaluation.report.page import write_report
        from cli.rendering.tables import render_scores

        held_out = read_held_out(files.held_out)
        with terminal_progress(self._console) as progress:
            result = await evaluate_shop(shop, held_out, progress, replace(QUICK, most_users=EVALUATED_USERS))
        self._console.print()
        self._console.print(render_scores(result))
        write_report(self._options.folder / REPORT, result)
        self._console.print(f"With figures, for people: {self._options.folder / REPORT}")
        self._console.print()
