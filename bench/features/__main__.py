"""What the feature store does in the demo's shop, on SQLite and on MariaDB.

Run with `make bench-features`. Client, event log and feature store are processes of their own on one machine. MariaDB
runs on a folder of its own, and commits wait for the disk; where it is not installed, the benchmark says so and ends.
"""

import asyncio
import gc
import tempfile
from pathlib import Path

import pandas as pd

from bench.features.clicks import measure_clicks
from bench.features.lookups import measure_lookups
from bench.features.purchases import demo_files, import_demo
from bench.features.shop import Say, running_shop
from bench.features.stock import measure_stock
from bench.stores import BenchStore, mariadb_stores, sqlite_stores
from cli.echo import echo_throughput
from cli.figures import Figures
from demo.shop_files import ShopFiles


async def measure(say: Say, folder: Path, stores: list[BenchStore], files: ShopFiles) -> None:
    """Says the figures of one engine. `stores` are the log's and the features'."""
    items = [str(item_id) for item_id in pd.read_parquet(files.items, columns=["item_id"]).item_id]
    users = sorted(pd.read_parquet(files.events, columns=["user_id"]).user_id.unique())
    async with running_shop(folder, *stores) as shop:
        await import_demo(say, shop, files)
        await measure_lookups(say, shop, users)
        await measure_clicks(say, shop, users, items)
        await measure_stock(say, shop, users, items)


async def main() -> None:
    """Prints the figures."""
    figures = Figures("features")
    figures.say("echo.throughput", await echo_throughput(), "/s")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = demo_files(folder)
        # The client's own collections are not to be measured.
        gc.collect()
        gc.freeze()
        await measure(Say(figures, "sqlite"), folder / "sqlite", sqlite_stores(folder, 2), files)
        with mariadb_stores(folder / "engine", 2) as stores:
            await measure(Say(figures, "mariadb"), folder / "mariadb", stores, files)


if __name__ == "__main__":
    asyncio.run(main())
