from collections.abc import Iterable

from rich.console import Console

from cli.importer.importing import import_files
from cli.launcher.launcher import Launcher
from cli.launcher.process import PROCESSES
from cli.rendering.progress import TerminalProgress, terminal_progress
from cli.rendering.training import render_training
from cli.shop import Shop
from cli.training import train_shop
from demo.readiness import wait_until_complete
from demo.shop_files import ShopFiles
from demo.stages import Stages

READY_SECONDS = 120.0

ALL = tuple(process.name for process in PROCESSES)
# What an import needs. The model server is slow to start and does so meanwhile.
FIRST = ("modelserver", "events", "features")


async def open_shop(shop: Shop, launcher: Launcher, files: ShopFiles, stages: Stages, console: Console) -> bool:
    """Brings a shop up: imports and trains where that was not done before, and starts every process.

    Returns:
        Whether the shop had to be made, in whole or in part.
    """
    imported = stages.done("imported", files.fingerprint)
    trained = stages.done("trained", files.fingerprint)
    with terminal_progress(console) as progress:
        _start(launcher, ALL if trained else FIRST, progress)
        if not imported:
            # An import that was cut short is begun again: what is in already stays as it is.
            await import_files(shop, items=[files.items], users=[files.users], events=[files.events], progress=progress)
            stages.mark("imported", files.fingerprint)
        report = None if trained else await train_shop(shop, progress)
        _start(launcher, ALL, progress)
        await wait_until_complete(shop, progress)
    stages.mark("trained", files.fingerprint)
    if report is not None:
        console.print(render_training(report))
    return report is not None


def _start(launcher: Launcher, names: Iterable[str], progress: TerminalProgress) -> None:
    started = launcher.start(names, any_free_port=True)
    if started:
        with progress.task("starting " + ("services" if len(started) > 1 else started[0].name), len(started)) as task:
            for _ in launcher.wait_until_serving(started, timeout_seconds=READY_SECONDS):
                task.advance()
