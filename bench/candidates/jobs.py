"""How long the neighbour job takes, and the most memory that it has at a time."""

import resource
import time

from bench.candidates.synthetic_shop import SyntheticShop
from bench.figures import Figures
from services.candidates.jobs.build import item_tables
from services.candidates.settings import CandidatesSettings
from services.common.progress import Progress


def measure_jobs(figures: Figures, shop: SyntheticShop, events: int, progress: Progress) -> None:
    """Computes neighbours, followers and companions of a synthetic log."""
    log = shop.events(events)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    tables = item_tables(log, CandidatesSettings(), progress)
    minutes = (time.perf_counter() - began) / 60
    name = f"candidates.jobs.{shop.items}x{shop.users}x{events}"
    figures.say(f"{name}.minutes", minutes, "min")
    figures.say(f"{name}.events_peak", before / 1024, "MiB")
    figures.say(f"{name}.peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MiB")
    for table, (rows, _) in tables.items():
        figures.say(f"{name}.{table}.pairs", len(rows), "")
