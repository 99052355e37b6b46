from pathlib import Path
from typing import Final

from services.common.clock import Clock
from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.inputs.text_encoders import MINILM
from services.ranker.texts.text_vectors import TextEncoder, TextVectors
from services.ranker.texts.vector_cache import VectorCache

_CACHE: Final = Path("texts") / "vectors.sqlite"


def open_encoder(name: str) -> TextEncoder:
    """Returns the encoder of this name. Raises FailedPreconditionError (TEXT_ENCODER_NOT_INSTALLED)."""
    from services.ranker.texts.minilm_encoder import MiniLmEncoder  # what it imports is an extra of its own

    return {MINILM: MiniLmEncoder}[name]()


def open_texts(state_directory: Path, items: ItemColumns, clock: Clock) -> TextVectors | None:
    """Returns what encodes the texts of these columns, with its cache below the state directory; None: no encoder is
    named. Errors are those of `open_encoder`.
    """
    name = items.named_vectors.encoder
    if not name:
        return None
    encoder = open_encoder(name)
    cache = VectorCache(state_directory / _CACHE, f"{encoder.name} {encoder.version}", clock)
    return TextVectors(encoder, cache, items)
