import asyncio
import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from cli.echo import echo_throughput
from cli.evaluation.evaluation import QUICK, evaluate_shop
from cli.evaluation.held_out import read_held_out
from cli.evaluation.report.page import write_report
from cli.figures import Figures
from cli.launcher.launcher import Launcher
from cli.rendering.progress import terminal_progress
from cli.rendering.scores import render_scores
from cli.shop import Shop
from demo.opening import open_shop
from demo.options import DemoOptions
from demo.scenes import Scenes
from demo.shop_files import ShopFiles, prepared_shop
from demo.stages import Stages
from demo.visits import Gateway

REPORT = "report.html"


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

    async def run(self) -> None:
        """Shows everything, then keeps the shop running until Ctrl-C unless the options say otherwise."""
        files = await self._files()
        shop = Shop(self._state_directory(files), os.environ)
        launcher = shop.launcher(exit_with_parent=True, debug=True)  # the evaluation replays
        try:
            fresh = await open_shop(shop, launcher, files, self._stages, self._console)
            await self._show(shop, files, fresh=fresh)
            if not self._options.exit:
                self._console.print(
                    f"\nThe shop stays open. In another terminal: `.venv/bin/vitrine --state-directory "
                    f"{shop.state_directory} page --user {files.a_user()}`. Ctrl-C closes it."
                )
                await asyncio.Event().wait()
        finally:
            launcher.stop()

    async def _files(self) -> ShopFiles:
        with terminal_progress(self._console) as progress, progress.task("preparing the shop", 1) as task:
            files = await asyncio.to_thread(
                prepared_shop, self._options.folder / "shop", self._stages, datetime.now(UTC)
            )
            task.advance()
        return files

    def _state_directory(self, files: ShopFiles) -> Path:
        """Where this very shop lives. One made of other data is closed and removed."""
        own = self._options.folder / f"state-{files.fingerprint}"
        for directory in self._options.folder.glob("state-*"):
            # A run that was killed may have left its shop open.
            Launcher(directory, os.environ).stop()
            if directory != own:
                shutil.rmtree(directory)
        return own

    async def _show(self, shop: Shop, files: ShopFiles, *, fresh: bool) -> None:
        async with shop.channel("homepage") as channel:
            scenes = Scenes(Gateway(channel), files, self._console)
            await scenes.households()
            seconds = time.time() - self._options.started
            await scenes.anonymous_with_views()
            click_milliseconds = await scenes.newcomer()
        held_out = read_held_out(files.held_out)
        with terminal_progress(self._console) as progress:
            result = await evaluate_shop(shop, held_out, progress, QUICK)
        self._console.print()
        self._console.print(render_scores(result))
        write_report(self._options.folder / REPORT, result)
        self._console.print(f"With figures, for people: {self._options.folder / REPORT}")
        self._console.print()
        figures = Figures("demo")
        figures.say("echo.throughput", await echo_throughput(), "/s")
        figures.say("demo.click", click_milliseconds, "ms")
        figures.say("demo.first_page", seconds, "s")
        figures.say("demo.fresh" if fresh else "demo.again", time.time() - self._options.started, "s")
