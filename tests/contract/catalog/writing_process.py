"""A process that says its half of the updates on the items 0, 1, …, in an order of its own."""

import asyncio
import random
import sys

from tests.contract.catalog.processes import NOW, Processes, delete, item, upsert

ITEMS = 60
UPDATES = 8
"""Updates on each item: one a second, the odd ones by one writer, the even ones by the other."""


def is_deletion(name: int, second: int) -> bool:
    """Whether that update on that item is that it is gone."""
    return (name + second) % 5 == 0


def last_words() -> dict[str, str]:
    """The title that each item must have at the end; empty: it is deleted."""
    return {str(name): "" if is_deletion(name, UPDATES) else f"{name} as of {UPDATES}" for name in range(ITEMS)}


async def main(url: str, seed: int) -> None:
    """Says the updates in batches of a few."""
    shuffler = random.Random(seed)
    updates = [(name, second) for name in range(ITEMS) for second in range(1, UPDATES + 1) if second % 2 == seed % 2]
    shuffler.shuffle(updates)
    processes = Processes(url)
    catalog = await processes.open()
    while updates:
        batch = [updates.pop() for _ in range(min(len(updates), shuffler.randint(1, 12)))]
        await catalog.reserve([str(name) for name, _ in batch[:3]], NOW)
        for name, second in batch:
            if is_deletion(name, second):
                await delete(catalog, str(name), seconds=second)
        await upsert(
            catalog,
            *(
                item(
                    str(name),
                    second,
                    ["Food", f"c{(name + second) % 7}", f"d{name % 3}"],
                    title=f"{name} as of {second}",
                    brand=f"brand {(name * second) % 11}",
                    group_id=f"group {name % 9}",
                )
                for name, second in batch
                if not is_deletion(name, second)
            ),
        )
    await processes.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
