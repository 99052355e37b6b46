from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.ranker.model.json_fields import read_fields

MODEL_NAME: Final = "behavior"
"""What model servers know the model by: the name of the directory of its versions."""


@dataclass(frozen=True, slots=True)
class BehaviorModelConfig:
    """The size and shape of a behaviour model: one JSON file a model. Every field has a default."""

    width: int = 32
    """Size of item and user vectors, without the one element that holds the item's bias."""

    layers: int = 2
    heads: int = 2
    history_length: int = 64
    """Events that the model looks back on."""

    distances: int = 0
    """How many events back attention tells apart, beside the time between events; 0: it knows the time alone."""

    dropout: float = 0.1
    taste_dropout: float = 0.5
    """Dropout of what the ranking head sees beside the candidate features: vectors remember single users."""

    unseen_rate: float = 0.05
    """Part of the categories and brands that training takes for unseen ones."""

    unseen_item_rate: float = 0.0
    """The same of items, which are their content then. They need none where the rare ones are unseen anyway
    (`minimum_item_events`)."""

    minimum_item_events: int = 3
    """Items with fewer events have no vector of their own: they are their content."""

    hashed_item_rows: int = 0
    """Above 0 the items' own vectors stand in a table of so many rows, which they share by a hash, and are trained by
    updates of the rows of a batch alone: for catalogues that no list of vectors is kept for. `minimum_item_events` does
    not count then."""

    price_bands: int = 16
    attribute_width: int = 16
    candidate_width: int = 12
    """What of the candidate's and the user's vectors goes into the ranking head by itself."""

    hidden: tuple[int, ...] = (128, 64)
    hidden_dropout: float = 0.5

    def __post_init__(self) -> None:
        sizes = (self.width, self.layers, self.heads, self.history_length, self.price_bands, *self.hidden)
        if min(sizes) < 1 or self.width % self.heads or self.distances < 0:
            raise ValueError("sizes are 1 or more, distances 0 or more, and width is a multiple of heads")
        unseen = (self.unseen_rate, self.unseen_item_rate)
        if self.hashed_item_rows < 0 or self.hashed_item_rows == 1:
            raise ValueError("hashed_item_rows is 0, or 2 or more")
        if not all(0 <= rate < 1 for rate in (self.dropout, self.taste_dropout, self.hidden_dropout, *unseen)):
            raise ValueError("dropouts and unseen rates are 0 or more and below 1")

    @classmethod
    def read(cls, path: Path) -> "BehaviorModelConfig":
        """Reads a JSON object of fields, those not in it having their defaults. Raises what `read_fields` does."""
        return read_fields(cls, path)
