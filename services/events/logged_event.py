from services.events.cleaning.flagging import flag_names
from services.events.storage.records import StoredEvent
from vitrine.events.v1.event_service_pb2 import LoggedEvent


def fill_logged_event(logged: LoggedEvent, stored: StoredEvent) -> None:
    """Fills `logged` with a stored event; an erased one has only its offset and ingest time."""
    logged.partition = stored.partition
    logged.offset = stored.offset
    seconds, millis = divmod(stored.ingest_millis, 1000)
    logged.ingest_time.seconds, logged.ingest_time.nanos = seconds, millis * 1_000_000
    if stored.payload is None:
        logged.erased = True
        return
    logged.event.MergeFromString(stored.payload)
    if stored.attribution is not None:
        logged.attribution.MergeFromString(stored.attribution)
    if stored.flags:
        logged.flags.extend(flag_names(stored.flags))
