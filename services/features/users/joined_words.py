from collections.abc import Mapping

from services.common.consent import stricter
from services.features.store.knowledge import Knowledge, copy_field
from services.features.users.user_plan import KnownUser
from vitrine.common.v1.visitor_pb2 import CONSENT_UNSPECIFIED
from vitrine.features.v1.user_pb2 import User


def join_words(key: str, words: Mapping[str, KnownUser]) -> KnownUser | None:
    """Returns what is known of a user, by key, from the words on the user and on merged visitors; None: nothing.

    The user's own words hold; attributes that only a visitor had join them, those of the visitor of whom the shop spoke
    last; and the strictest consent holds.
    """
    own = words.get(key)
    others = sorted(
        (known for visitor, known in words.items() if visitor != key),
        key=lambda known: known.newest_micros,
        reverse=True,
    )
    if not others:
        return own
    ordered = [own, *others] if own is not None else others
    message = User()
    message.CopyFrom(ordered[0].message)
    message.visitor.Clear()
    message.visitor.user_id = key.removeprefix("u:")
    for known in ordered[1:]:
        for name in known.message.attributes:
            if name not in message.attributes:
                copy_field(known.message, message, f"attributes.{name}")
    consents = [known.message.consent for known in ordered]
    if any(consent != CONSENT_UNSPECIFIED for consent in consents):
        message.consent = stricter(*consents)
    return Knowledge(message, ordered[0].micros, ordered[0].field_times)
