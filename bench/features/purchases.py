"""The demo's shop as `vitrine import` brings it in."""

import time
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from bench.features.shop import BenchShop, Say
from bench.serving import MEBIBYTE
from cli.importer.importing import import_files
from cli.importer.options import ImportOptions
from demo.shop_files import ShopFiles, prepared_shop
from demo.stages import Stages


def demo_files(folder: Path) -> ShopFiles:
    """The demo's items, users and purchases as files."""
    return prepared_shop(folder / "demo", Stages(folder / "stages.json"), datetime.now(UTC))


async def import_demo(say: Say, shop: BenchShop, files: ShopFiles) -> None:
    """Says how fast items and purchases go in, until the features know them, and what a million purchases take."""
    items = len(pd.read_parquet(files.items, columns=["item_id"]))
    events = len(pd.read_parquet(files.events, columns=["event_id"]))
    seconds = await _imported(shop, items=[files.items])
    say("import_items", items / seconds, "/s")
    await _imported(shop, users=[files.users])
    memory, disk = shop.store.memory_bytes(), shop.store_files.disk_bytes()
    seconds = await _imported(shop, events=[files.events])
    say("import_purchases", events / seconds, "/s")
    per_million = 1e6 / events / MEBIBYTE
    say("memory", (shop.store.memory_bytes() - memory) * per_million, "MiB/million")
    say("disk", (shop.store_files.disk_bytes() - disk) * per_million, "MiB/million")
    say("rss", shop.store.memory_bytes() / MEBIBYTE, "MiB")


async def _imported(
    shop: BenchShop,
    *,
    items: list[Path] | None = None,
    users: list[Path] | None = None,
    events: list[Path] | None = None,
) -> float:
    began = time.perf_counter()
    await import_files(
        shop, items=items or (), users=users or (), events=events or (), options=ImportOptions(wait=events is not None)
    )
    return time.perf_counter() - began
