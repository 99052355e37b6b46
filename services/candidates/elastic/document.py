import hashlib
import json
import math
from collections.abc import Iterable
from typing import Any, Final

from services.candidates.catalog.attribute_terms import attribute_term, attribute_terms
from services.candidates.catalog.item_columns import is_eligible, item_digest, item_flags
from services.candidates.content.item_terms import FIELD_WEIGHTS, Term, item_terms
from services.candidates.content.item_words import ItemWords
from vitrine.features.v1.catalog_service_pb2 import CatalogChange
from vitrine.features.v1.item_pb2 import ItemKind


def document(change: CatalogChange, words: ItemWords) -> dict[str, Any]:
    """Returns an item as the index has it: what decides whether it may be shown, what filters ask for, its words and
    its features. The id of the document is the item_no, so that the item's own id may be anything.
    """
    item = change.item
    features = feature_texts(item_terms(item))
    paths = {tuple(path.names[:depth]) for path in item.category_paths for depth in range(1, len(path.names) + 1)}
    kind = ItemKind.Name(item.kind or ItemKind.ITEM_KIND_PRODUCT).removeprefix("ITEM_KIND_")
    body = {
        "item_no": change.item_no,
        "digest": item_digest(change.item_id),
        "eligible": is_eligible(item_flags(item)),
        "available_from": item.available_from_time.ToMilliseconds(),  # absent: 0
        "available_until": item.available_until_time.ToMilliseconds(),
        "new_since": item.available_from_time.ToMilliseconds() or change.create_time.ToMilliseconds(),
        "categories": sorted(keyword(path) for path in paths),
        "kind": kind,
        "attributes": sorted(
            keyword((name, *part))
            for name, value in item.attributes.items()
            if (term := attribute_term(value)) is not None
            for part in attribute_terms(term)
        ),
        "features": features,
        "slenderness": 1 / math.sqrt(sum(field_weight(feature) ** 2 for feature in features)) if features else 1.0,
    }
    optional = {
        "brand": keyword(item.brand) or None,
        "creator": keyword(item.creator_id) or None,
        "price": item.price if item.HasField("price") else None,
        "stock": item.stock if item.HasField("stock") else None,
    }
    body |= {name: value for name, value in optional.items() if value is not None}
    return body | {f"{field}_words": text for field, text in words.texts(item).items() if text}


# Lucene takes terms of up to 32,766 bytes; long ones only cost memory.
_LONGEST: Final = 1_000


def keyword(value: Any) -> str:
    """Returns a text as it is, anything else as compact JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode()) <= _LONGEST:
        return text
    return "#" + hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def feature_texts(terms: Iterable[Term]) -> list[str]:
    """Returns the features as short texts, in a fixed order."""
    return sorted(f"{field}:{_digest(value)}" for field, value in terms)


def field_weight(feature: str) -> float:
    """Returns the weight of the field that a feature is of."""
    return FIELD_WEIGHTS[feature.partition(":")[0]]


def _digest(value: object) -> str:
    return hashlib.blake2b(json.dumps(value, ensure_ascii=False).encode(), digest_size=8).hexdigest()
