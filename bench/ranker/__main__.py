"""The ranker in the demo's shop: from `vitrine train` to a served model, and what ranking with it takes.

Run with `make bench-ranker`. Every service is a process of its own on this machine, and so is the client.
"""

import asyncio
import gc
import os
import tempfile
from pathlib import Path

from bench.ranker.new_items import measure_new_items
from bench.ranker.requests import score_requests
from bench.ranker.scoring import measure_scoring
from bench.ranker.shop import demo_files, imported_shop, train_and_serve
from bench.ranker.swap import measure_swap
from cli.echo import echo_throughput
from cli.figures import Figures
from cli.rendering.console import shop_console
from cli.rendering.progress import terminal_progress


async def main(folder: Path) -> None:
    """Prints the figures."""
    figures = Figures("ranker")
    figures.say("echo.throughput", await echo_throughput(), "/s")
    figures.say("machine.load", os.getloadavg()[0], "")
    files = demo_files(folder)
    with terminal_progress(shop_console(stderr=True)) as progress:
        async with imported_shop(folder / "state", files, progress) as shop:
            trained, seconds = await train_and_serve(shop, progress)
            report = trained.report
            examples = report.training_examples * len(report.epochs)
            figures.say("ranker.train_examples", examples / report.seconds["fit"], "/s")
            figures.say("ranker.train_to_served", seconds, "s")
            requests = await score_requests(shop, files)
            # The client's own collections are not to be measured.
            gc.collect()
            gc.freeze()
            await measure_scoring(figures, shop, requests)
            await measure_new_items(figures, shop, requests[0].user)
            await measure_swap(figures, shop, requests, report.version)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(main(Path(name)))
