"""How long the jobs of the candidates service take over a large log, and the most memory that they have at a time.

Run with `make bench-jobs`; sizes by options. The tables are computed and saved with the product's own code, one after
the other, the quality on the held-out day included. The log itself is made up and lies in memory, as the job has it
when it has read the event service. Popularity is counted by the feature store; here it is ranked.
"""

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

from bench.jobs.popularity import popularity_of, rank_all
from bench.jobs.synthetic_log import SyntheticLog
from cli.figures import Figures
from cli.rendering.console import shop_console
from cli.rendering.progress import terminal_progress
from services.candidates.artifacts.group_tastes import Group
from services.candidates.job_settings import JobSettings
from services.candidates.jobs.compute import compute
from services.candidates.settings import CandidatesSettings
from services.common.progress import Progress

REGIONS = 20


def main(log: SyntheticLog, settings: CandidatesSettings, progress: Progress) -> None:
    """Prints the figures, each as soon as it is known."""
    figures = Figures("candidates.jobs")
    figures.say("machine.load", os.getloadavg()[0], "")
    events = log.read()
    digests = {item_no: item_no for item_no in range(1, log.items + 1)}
    groups: dict[int, tuple[Group, ...]] = {user: (("region", str(user % REGIONS)),) for user in range(log.users)}
    for name, count in (("items", log.items), ("users", log.users), ("events", log.events)):
        figures.say(f"candidates.job_{name}", count, "")
    figures.say("candidates.job_log_gib", peak_gib(), "GiB")
    statistics = popularity_of(events, log.items)
    ranking = time.perf_counter()
    rank_all(statistics, log.items, events.newest_millis)
    figures.say("candidates.job.popularity.seconds", time.perf_counter() - ranking, "s")
    del statistics
    began, worked = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        since = began
        for made in compute(events, groups, digests, settings, progress):
            path = Path(folder) / made.name
            path.mkdir()
            made.save(path)
            figures.say(f"candidates.job.{made.name}.minutes", (time.perf_counter() - since) / 60, "min")
            figures.say(f"candidates.job.{made.name}.peak_gib", peak_gib(), "GiB")
            for what, count in made.counts.items():
                figures.say(f"candidates.job.{made.name}.{what}", count, "")
            if made.quality is not None:
                figures.say(f"candidates.job.{made.name}.quality", made.quality, "")
            since = time.perf_counter()
    figures.say("candidates.job_minutes", (time.perf_counter() - began) / 60, "min")
    figures.say("candidates.job_processor_minutes", (time.process_time() - worked) / 60, "min")
    figures.say("candidates.job_peak_gib", peak_gib(), "GiB")


def peak_gib() -> float:
    """Returns the most memory that this process has had so far, in GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def arguments() -> argparse.Namespace:
    """Returns what the command line says."""
    usual = JobSettings()
    parser = argparse.ArgumentParser(prog="python -m bench.jobs", description="Measure the jobs of candidates.")
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--block-entries", type=int, default=usual.block_entries, help="pairs in memory at a time")
    parser.add_argument("--held-out-hours", type=float, default=usual.held_out_hours, help="0: without the quality")
    return parser.parse_args()


if __name__ == "__main__":
    options = arguments()
    jobs = JobSettings(block_entries=options.block_entries, held_out_hours=options.held_out_hours)
    with terminal_progress(shop_console(stderr=True)) as bars:
        main(SyntheticLog(options.items, options.users, options.events), CandidatesSettings(jobs=jobs), bars)
