import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from services.candidates.content.item_terms import FIELD_WEIGHTS
from services.candidates.content.item_words import WORD_WEIGHTS

# What documents say and how: to be raised where `document.py` changes, so that the index is made anew.
_DOCUMENTS: Final = 2
# How soon what was written is found, in an index that answers, and in one that is still being built.
SERVING_REFRESH: Final = "250ms"
_BUILDING_REFRESH: Final = "30s"

# Lower case without accents, full-width and half-width forms alike, and pairs of characters for Chinese, Japanese and
# Korean, as `content/item_terms.py`. Synonyms are in the documents (`content/synonyms.py`), not here.
_ANALYSIS: Final[dict[str, Any]] = {
    "analyzer": {
        "shop": {
            "type": "custom",
            "tokenizer": "standard",
            "filter": ["cjk_width", "lowercase", "asciifolding", "cjk_bigram"],
        }
    }
}
_WORDS: Final[dict[str, Any]] = {"type": "text", "analyzer": "shop"}
_EXACT: Final[dict[str, Any]] = {"type": "keyword", "norms": False}
_PROPERTIES: Final[dict[str, Any]] = {
    "item_no": {"type": "long"},
    "digest": {"type": "long", "index": False},
    "eligible": {"type": "boolean"},
    "available_from": {"type": "long"},
    "available_until": {"type": "long"},
    "new_since": {"type": "date", "format": "epoch_millis"},
    "price": {"type": "double"},
    "stock": {"type": "long"},
    "slenderness": {"type": "float", "index": False},
    "catalog_version": {"type": "long", "index": False},
    "categories": _EXACT,
    "brand": _EXACT,
    "kind": _EXACT,
    "creator": _EXACT,
    "attributes": _EXACT,
    "features": _EXACT,
    "left_out_vectors": _EXACT,
    **{f"{field}_words": _WORDS for field in WORD_WEIGHTS},
}


class Schema:
    """Mapping and analysis of the index, as code. An index whose `_meta.schema` is not `digest` is made anew.

    The fields of named vectors come as the vectors do (`vector_field.py`); those that weigh 0 are no part of the index.
    """

    def __init__(self, synonyms_digest: str, vector_weights: Mapping[str, float]) -> None:
        left_out = sorted(name for name, weight in vector_weights.items() if not weight)
        content = [_DOCUMENTS, _ANALYSIS, _PROPERTIES, dict(FIELD_WEIGHTS), synonyms_digest, left_out]
        self.digest = hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=8).hexdigest()

    def body(self, shards: int, replicas: int) -> dict[str, Any]:
        """Returns what an index is created with."""
        return {
            "settings": {
                "number_of_shards": shards,
                "number_of_replicas": replicas,
                "refresh_interval": _BUILDING_REFRESH,
                "analysis": _ANALYSIS,
            },
            "mappings": {
                "dynamic": False,
                "_meta": {"schema": self.digest},
                "_source": {"excludes": ["vector_*"]},  # they are kept shorter in `direction_*`
                "properties": _PROPERTIES,
            },
        }
