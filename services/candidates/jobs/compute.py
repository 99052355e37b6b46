"""Computes from events what sources look up."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.candidates.artifacts.group_tastes import Group, GroupTastes
from services.candidates.artifacts.repeats import Repeats
from services.candidates.artifacts.user_ratings import UserRatings
from services.candidates.jobs.events import Events
from services.candidates.jobs.groups import group_tastes
from services.candidates.jobs.item_tables import item_tables
from services.candidates.jobs.quality import HeldOut
from services.candidates.jobs.ratings import Ratings, implicit_ratings
from services.candidates.jobs.repeat_quality import repeat_quality
from services.candidates.jobs.repeats import repeats
from services.candidates.jobs.tables import neighbors_of, user_ratings_of
from services.candidates.jobs.taste_quality import by_groups, by_similar_users
from services.candidates.settings import CandidatesSettings
from services.common.progress import Progress


@dataclass(frozen=True, slots=True)
class Made:
    """One artifact before it is published."""

    name: str
    save: Callable[[Path], None]
    counts: Mapping[str, Any]
    quality: float | None = None


def compute(
    events: Events,
    groups: Mapping[int, Sequence[Group]],
    digests: Mapping[int, int],
    settings: CandidatesSettings,
    progress: Progress,
) -> Iterator[Made]:
    """Computes all artifacts that there is enough data for, one when the one before was taken: who drops each before
    taking the next never has two in memory.
    """
    qualities = _qualities(events, groups, digests, settings, progress)
    for table in item_tables(events, settings, progress):
        made = neighbors_of(table.rows, table.item_nos, digests)
        if made is not None:
            counts = {"items": len(made.item_nos), "pairs": len(made.neighbors)}
            yield Made(table.name, made.save, counts, qualities.get(table.name))
        del table, made
    ratings = _taste_ratings(events, settings)
    users = user_ratings_of(ratings, settings.tastes, digests)
    if users is not None:
        counts = {"users": len(users.starts) - 1, "items": len(users.item_nos), "ratings": len(users.ratings)}
        yield Made(UserRatings.ARTIFACT, users.save, counts, qualities.get(UserRatings.ARTIFACT))
    del users
    grouped = group_tastes(ratings, groups, settings.tastes, digests, minimum_users=settings.minimum_users)
    if grouped is not None:
        counts = {"groups": len(grouped.groups), "items": len(grouped.items)}
        yield Made(GroupTastes.ARTIFACT, grouped.save, counts, qualities.get(GroupTastes.ARTIFACT))
    del ratings, grouped
    again = repeats(events, digests)
    if again is not None:
        counts = {"items": len(again.item_nos)}
        yield Made(Repeats.ARTIFACT, again.save, counts, qualities.get(Repeats.ARTIFACT))


def _taste_ratings(events: Events, settings: CandidatesSettings) -> Ratings:
    return implicit_ratings(
        events,
        settings.neighbors.half_life_days,
        items_per_user=settings.tastes.items_per_user,
        minimum_users=settings.minimum_users,
    )


def _qualities(
    events: Events,
    groups: Mapping[int, Sequence[Group]],
    digests: Mapping[int, int],
    settings: CandidatesSettings,
    progress: Progress,
) -> dict[str, float | None]:
    """Returns how well each table, made without the log's last hours, foresees those; None where nobody can say."""
    hours = settings.jobs.held_out_hours
    if not hours:
        return {}
    qualities = {Repeats.ARTIFACT: repeat_quality(events, hours, digests)}
    held_out = HeldOut.of(events, settings)
    if held_out is None:
        return qualities
    for table in item_tables(held_out.past, settings, progress, only=held_out.items):
        qualities[table.name] = held_out.recall(held_out.by_table(table))
        del table
    ratings = _taste_ratings(held_out.past, settings)
    users = user_ratings_of(ratings, settings.tastes, digests)
    if users is not None:
        rankings = by_similar_users(held_out, users, settings.history.rated_items)
        qualities[UserRatings.ARTIFACT] = held_out.recall(rankings)
    del users
    grouped = group_tastes(ratings, groups, settings.tastes, digests, minimum_users=settings.minimum_users)
    if grouped is not None:
        qualities[GroupTastes.ARTIFACT] = held_out.recall(by_groups(held_out, grouped, groups))
    return qualities
