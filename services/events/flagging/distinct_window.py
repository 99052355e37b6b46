class DistinctWindow:
    """Counts the different events of a group in windows of time, and says which are beyond `limit`.

    Time is the events' own, so that imported history is judged as it happened. The newest `remembered` windows are
    kept; an event that comes again is counted once.
    """

    def __init__(self, limit: int, window_millis: int, remembered: int = 20_000) -> None:
        self._limit = limit
        self._window_millis = window_millis
        self._remembered = remembered
        self._seen: dict[tuple[bytes, int], set[bytes]] = {}

    def is_beyond(self, group: bytes, millis: int, event_key: bytes) -> bool:
        """Counts an event; returns whether its group had `limit` others in its window before it."""
        place = (group, millis // self._window_millis)
        seen = self._seen.get(place)
        if seen is None:
            if len(self._seen) >= self._remembered:
                del self._seen[next(iter(self._seen))]
            self._seen[place] = {event_key}
            return False
        if len(seen) >= self._limit:
            return event_key not in seen
        seen.add(event_key)
        return False
