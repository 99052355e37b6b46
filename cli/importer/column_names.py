import re
from collections.abc import Iterable
from difflib import get_close_matches


def normal(name: str) -> str:
    """A name as it is compared: without case, spaces, underscores and other marks."""
    return re.sub(r"[\W_]+", "", name.casefold())


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """A question that names the likeliest of the names that were meant, or nothing."""
    by_normal = {normal(known): known for known in names}
    close = get_close_matches(normal(name), by_normal, n=1, cutoff=0.6)
    return f"; did you mean {by_normal[close[0]]!r}?" if close else ""
