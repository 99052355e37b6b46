"""Titles and reasons in words, made from their structured evidence alone."""

import functools
from collections.abc import Callable, Mapping
from typing import Final

from services.homepage.locales.english import ENGLISH
from services.homepage.locales.german import GERMAN
from services.homepage.locales.messages import Messages
from vitrine.homepage.v1 import page_pb2, reason_pb2

LANGUAGES: Final[Mapping[str, Messages]] = {"en": ENGLISH, "de": GERMAN}
SIMILAR_SHELF_ID: Final = "similar_items"

_SHELF_NAMES: Final = {number: name.removeprefix("SHELF_KIND_") for name, number in page_pb2.ShelfKind.items()}
_REASON_NAMES: Final = {number: name.removeprefix("REASON_KIND_") for name, number in reason_pb2.ReasonKind.items()}
_VALUES: Final[Mapping[str, Callable[[reason_pb2.Reason], str]]] = {
    "{item}": lambda reason: reason.evidence_title,
    "{category}": lambda reason: reason.category_path.names[-1] if reason.category_path.names else "",
    "{brand}": lambda reason: reason.brand,
    "{count}": lambda reason: str(reason.count) if reason.count else "",
}


def language_of(locale: str, shop_language: str) -> str:
    """Returns the language of a BCP 47 tag ("de-AT" is "de"), or the shop's if there are no texts in it."""
    language = locale.replace("_", "-").split("-", 1)[0].lower()
    return language if language in LANGUAGES else shop_language


def title_of(language: str, shelf: page_pb2.Shelf) -> str:
    """Returns the title of a shelf, from its kind and reason."""
    messages, reason = LANGUAGES[language], shelf.reason
    if shelf.shelf_id == SIMILAR_SHELF_ID and reason.evidence_title:
        return messages.similar.replace("{item}", reason.evidence_title)
    if shelf.kind == page_pb2.SHELF_KIND_BECAUSE_YOU:
        template = messages.because.get(_REASON_NAMES.get(reason.kind, ""), messages.because_plain)
        return _fill(template, reason) or messages.because_plain
    name = _SHELF_NAMES.get(shelf.kind, "")
    return _fill(messages.titles.get(name, ""), reason) or messages.titles_plain.get(name, "")


def reason_text(language: str, reason: reason_pb2.Reason) -> str:
    """Returns a reason in words; empty if its kind is unknown (a stored page may come from a newer version)."""
    messages, name = LANGUAGES[language], _REASON_NAMES.get(reason.kind, "")
    plain = messages.reasons_plain.get(name, "")
    if reason.kind == reason_pb2.REASON_KIND_YOU_BUY_REGULARLY and reason.count < 2:
        return plain
    return _fill(messages.reasons.get(name, ""), reason) or plain


def _fill(template: str, reason: reason_pb2.Reason) -> str:
    """Returns the template filled from the reason; empty if the reason doesn't have the value.

    Titles come from the shop and may contain braces, so one placeholder is replaced and nothing is formatted.
    """
    placeholder = _placeholder(template)
    if not placeholder:
        return template
    value = _VALUES[placeholder](reason)
    return template.replace(placeholder, value) if value else ""


@functools.cache
def _placeholder(template: str) -> str:
    return next((placeholder for placeholder in _VALUES if placeholder in template), "")
