import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

import grpc

from cli.errors import CommandError, ExitCode
from cli.importer.batches import batched
from cli.importer.detect import Format
from cli.importer.dry_run import Checker, check_message
from cli.importer.event_fields import EVENTS
from cli.importer.events import EventRows
from cli.importer.item_fields import ITEMS
from cli.importer.items import ItemRows
from cli.importer.options import ImportOptions
from cli.importer.plan import FilePlan, make_plans
from cli.importer.prefetch import prefetched
from cli.importer.read import Source
from cli.importer.rejects import Rejects
from cli.importer.report import Report
from cli.importer.send_events import EventSender
from cli.importer.send_updates import item_sender, user_sender
from cli.importer.summary import FileSummary, ImportSummary
from cli.importer.user_fields import USERS
from cli.importer.users import UserRows
from cli.importer.wait import wait_until_applied
from services.common.progress import NoProgress, Progress

BATCH_LIMITS = {"items": 1_000, "users": 1_000, "events": 5_000}


class Shop(Protocol):
    """Where files are imported into."""

    @property
    def state_directory(self) -> Path:
        """The shop's folder on this machine."""

    def channel(self, name: str) -> AbstractAsyncContextManager[grpc.aio.Channel]:
        """A channel to one of its services."""


async def import_files(
    shop: Shop,
    *,
    items: Sequence[Path] = (),
    users: Sequence[Path] = (),
    events: Sequence[Path] = (),
    options: ImportOptions | None = None,
    progress: Progress | None = None,
) -> ImportSummary:
    """Imports files into a shop, items first and events last. All files are looked over before anything is sent; a bad
    row goes to the rejects file and the rest goes in. Importing again changes nothing, so that an import that was cut
    short is simply run again.

    Args:
        shop: where to.
        items: files of items.
        users: files of users.
        events: files of events.
        options: how they are to be read.
        progress: where it says how far it is.

    Raises:
        CommandError: a file or an option is wrong, or a service does not answer for long.
    """
    options, progress = options or ImportOptions(), progress or NoProgress()
    files = [(kind, path) for kind, paths in ((ITEMS, items), (USERS, users), (EVENTS, events)) for path in paths]
    if not files:
        raise CommandError(
            "there is nothing to import: say --items, --users, --events or --from-elasticsearch", ExitCode.USAGE
        )
    begin = time.perf_counter()
    plans = await asyncio.to_thread(make_plans, files, options, progress)
    summary = ImportSummary(dry_run=options.dry_run)
    default = shop.state_directory / "imports" / f"{files[0][1].name}.rejects.csv"
    with Rejects(options.rejects or default) as rejects:
        for plan in plans:
            summary.files.append(await _import_file(shop, plan, options, rejects, progress))
    summary.rejects = rejects.path if rejects.count else None
    if options.wait and not options.dry_run:
        async with shop.channel("events") as log, shop.channel("features") as features:
            await wait_until_applied(log, features, progress)
    summary.seconds = time.perf_counter() - begin
    return summary


async def _import_file(
    shop: Shop, plan: FilePlan, options: ImportOptions, rejects: Rejects, progress: Progress
) -> FileSummary:
    kind, path = plan.kind.name, plan.source.path
    summary = FileSummary(kind, path, form=_form(plan.source), unmapped=plan.columns.unmapped)
    begin = time.perf_counter()
    with progress.task(f"{'checking' if options.dry_run else 'importing'} {path.name}", plan.rows) as task:
        report = Report(summary, rejects, task)
        maker = _maker(kind, options)
        batches = prefetched(batched(_messages(plan, maker, report, options), BATCH_LIMITS[kind]))
        if options.dry_run:
            await Checker(lambda message: check_message(message, partial=options.partial), report).send(batches)
        else:
            async with shop.channel("events" if kind == "events" else "features") as channel:
                await _sender(kind, channel, report).send(batches)
    if isinstance(maker, EventRows) and (known := summary.outcomes.pop("known", 0)) > maker.repeated:
        summary.outcomes["known"] = known - maker.repeated
    summary.seconds = time.perf_counter() - begin
    return summary


def _messages(plan: FilePlan, maker: Any, report: Report, options: ImportOptions) -> Iterator[tuple[int, Any]]:
    for chunk in plan.source.chunks(options.rows_per_chunk):
        rows, faults = plan.cleaner.clean(chunk)
        faults += plan.filler.fill(rows, report.summary.missing)
        report.summary.rows += len(chunk.lines) + len(chunk.broken)
        report.faulty(faults)
        report.summary.duplicates += maker.drop_duplicates(rows)
        report.left_out(len(chunk.broken) + len(rows.left_out))
        yield from maker.messages(rows)


def _maker(kind: str, options: ImportOptions) -> ItemRows | UserRows | EventRows:
    match kind:
        case "items":
            return ItemRows(partial=options.partial)
        case "users":
            return UserRows(partial=options.partial)
        case _:
            return EventRows()


def _sender(kind: str, channel: grpc.aio.Channel, report: Report) -> Any:
    match kind:
        case "items":
            return item_sender(channel, report)
        case "users":
            return user_sender(channel, report)
        case _:
            return EventSender(channel, report)


def _form(source: Source) -> str:
    form = source.form
    parts = [form.format.value, *(["gzip"] if form.gzipped else [])]
    if form.format is not Format.PARQUET:
        parts.append(form.encoding)
    if form.format is Format.CSV:
        parts.append(f"delimiter {form.delimiter!r}")
    return ", ".join(parts)
