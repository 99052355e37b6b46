"""Histories of one user: few items and texts, so that everything meets everything, and times that collide."""

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st

from services.common import event_types
from services.features.definitions.observation import Observation

DAY = 86_400_000
NOW = 1_700_000_000_000

# No deadline: a busy machine is not a failure.
quick = settings(max_examples=40, deadline=None)


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    event_type = draw(st.integers(event_types.VIEW, event_types.IMPRESSION))
    age_days = draw(st.one_of(st.integers(0, 20).map(float), st.floats(0, 800)))
    text = draw(st.integers(0, 30))
    follows = event_type in {event_types.FOLLOW, event_types.UNFOLLOW}
    searches = event_type == event_types.SEARCH
    return Observation(
        type=event_type,
        item_no=0 if follows or searches else draw(st.integers(1, 6)),
        event_millis=NOW - int(age_days * DAY),
        quantity=draw(st.sampled_from((1.0, 1.0, 2.0, 3.0, 0.1, 0.3))),
        order_id=draw(st.sampled_from(("", "", "o1", "o2"))),
        unit_price=draw(st.one_of(st.none(), st.floats(0, 1e12))),
        watched_fraction=0.25 if event_type == event_types.WATCH else None,
        subject=f"2:brand/{text}" if follows else None,
        search_text=f"query {text}" if searches else "",
    )


def histories(maximum: int = 60, prefix: str = "event") -> st.SearchStrategy[list[Observation]]:
    """Histories whose events have ids of their own."""
    return st.lists(observations(), max_size=maximum).map(
        lambda history: [replace(observation, event_id=f"{prefix}-{n}") for n, observation in enumerate(history)]
    )
