"""Leave-one-out benchmark of the candidate sources on a folder of sequences."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
import pandas as pd

from bench.candidate_quality.offline_shop import OfflineShop, source_shares
from bench.sequences.sequence_folder import read_rows
from cli.errors import CommandError, ExitCode
from services.candidates.settings import CandidatesSettings
from services.common.progress import Progress
from vitrine.features.v1.item_pb2 import Item

SOURCES = ("item_cf", "then_bought", "content")
LENGTH = 10
CANDIDATES = 300
# The data has an order and no times: a step is taken as a quarter of a year (chosen on validation).
STEP_MILLIS = 90 * 86_400_000
NOW_MILLIS = 1_700_000_000_000


@dataclass(frozen=True, slots=True)
class Sequences:
    """What users took, each in order of time, by item number, and the items, the first having the number 1."""

    users: list[list[int]]
    items: list[Item]


@dataclass(frozen=True, slots=True)
class SequenceScores:
    """Means over users.

    Args:
        recall, ndcg: whether the held-out item is among the first 10 of item_cf, then_bought and content together, and
            the NDCG of its place.
        recall_at_300: whether it is among the 300 best of all sources together.
        shares: by source, whether it is among what the source proposes, and whether no other source proposes it.
    """

    users: int
    recall: float
    ndcg: float
    recall_at_300: float
    shares: Mapping[str, tuple[float, float]]


def read_sequences(folder: Path) -> Sequences:
    """Reads sequences.txt, a line a user ("user item item …" in order of time), and items.parquet where there is one
    (item_id, attributes, words).

    Raises:
        CommandError: a file cannot be read, or a user has fewer than three items.
    """
    sequences = read_rows(folder)
    try:
        described = pd.read_parquet(folder / "items.parquet") if (folder / "items.parquet").exists() else None
    except (OSError, ValueError) as error:
        raise CommandError(f"{folder} cannot be read: {error}", ExitCode.USAGE) from error
    rows = {} if described is None else {str(row.item_id): row for row in described.itertuples()}
    ids = sorted({item for sequence in sequences for item in sequence} | rows.keys())
    numbers = {item_id: number for number, item_id in enumerate(ids, start=1)}
    return Sequences(
        [[numbers[item] for item in sequence] for sequence in sequences], [_item(i, rows.get(i)) for i in ids]
    )


async def bench_sequences(
    sequences: Sequences, settings: CandidatesSettings, progress: Progress, *, validation: bool
) -> SequenceScores:
    """Trains on all but each user's last two items. Asks for the last one, the others being the history; in
    `validation` for the last but one. All items but those of the history are ranked; what no source proposes comes
    after all others. Then asks once more, all sources that can work without other services.
    """
    held_out = 2 if validation else 1
    shop = OfflineShop(sequences.items, settings)
    shop.learn(_purchases([sequence[:-2] for sequence in sequences.users]), progress)
    shop.remember(_purchases([sequence[:-held_out] for sequence in sequences.users]), progress)
    blended, all_sources = shop.retriever(SOURCES), shop.retriever()
    places, together = [], []
    shares: dict[str, list[tuple[float, float]]] = {}
    with progress.task("asking for candidates", total=len(sequences.users)) as task:
        for user, sequence in enumerate(sequences.users):
            wanted = sequence[-held_out]
            retrieved = await shop.ask(blended, user, NOW_MILLIS, LENGTH)
            found = np.flatnonzero(retrieved.item_nos == wanted)
            places.append(int(found[0]) if len(found) else LENGTH)
            retrieved = await shop.ask(all_sources, user, NOW_MILLIS, CANDIDATES)
            together.append(wanted in retrieved.item_nos)
            for name, own in source_shares(retrieved, {wanted}).items():
                shares.setdefault(name, []).append(own)
            task.advance()
    ranks = np.array(places)
    hit = ranks < LENGTH
    return SequenceScores(
        users=len(ranks),
        recall=float(hit.mean()),
        ndcg=float(np.where(hit, 1 / np.log2(ranks + 2), 0.0).mean()),
        recall_at_300=float(np.mean(together)),
        shares={
            name: (fmean(own for own, _ in rows), fmean(unique for _, unique in rows)) for name, rows in shares.items()
        },
    )


def _item(item_id: str, row: "object | None") -> Item:
    words = str(getattr(row, "words", "") or "")
    item = Item(item_id=item_id, title=words or f"item {item_id}", price=1.0)
    attributes = getattr(row, "attributes", None)
    if attributes is not None and len(attributes):
        item.attributes["attributes"].texts.values.extend(str(name) for name in attributes)
    return item


def _purchases(sequences: list[list[int]]) -> pd.DataFrame:
    """A purchase for each step, the last of every user at the same time."""
    lengths = np.array([len(sequence) for sequence in sequences])
    users = np.repeat(np.arange(len(sequences)), lengths)
    from_end = np.concatenate([np.arange(length, 0, -1) for length in lengths])
    item_nos = np.concatenate([np.array(sequence) for sequence in sequences])
    frame = {"user": users, "item_no": item_nos, "millis": NOW_MILLIS - from_end * STEP_MILLIS, "order": 0 * users}
    return pd.DataFrame(frame)
