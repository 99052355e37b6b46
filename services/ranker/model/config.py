from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.ranker.inputs.item_text import TOKEN_BUCKETS
from services.ranker.inputs.named_vectors import require_encoder, with_encoder
from services.ranker.model.config_fields import read_fields, require_at_least, require_rates

MODEL_NAME: Final = "behavior"
"""The model's name on model servers, and the name of the directory of its versions."""

_LEAST: Final = dict.fromkeys(
    (
        "width",
        "layers",
        "heads",
        "history_length",
        "token_width",
        "price_bands",
        "attribute_width",
        "candidate_width",
        "cross_rank",
    ),
    1,
) | dict.fromkeys(("distances", "minimum_item_events", "hashed_item_rows", "factors", "crosses"), 0)
_RATES: Final = ("dropout", "taste_dropout", "unseen_rate", "unseen_item_rate", "hidden_dropout")


@dataclass(frozen=True, slots=True)
class BehaviorModelConfig:
    """The size and shape of a behavior model: one JSON file per model. Every field has a default."""

    width: int = 32
    """Size of item and user vectors, without the element for the item's bias."""

    layers: int = 2
    heads: int = 2
    history_length: int = 64
    """Events that the model looks back on."""

    distances: int = 0
    """How many events back attention distinguishes, besides the time between events; 0: it uses only the time."""

    dropout: float = 0.1
    taste_dropout: float = 0.5
    """Dropout of the ranking head's inputs other than candidate features: vectors overfit to single users."""

    unseen_rate: float = 0.05
    """Share of the categories and brands that training treats as unseen, and of the texts treated as missing."""

    unseen_item_rate: float = 0.0
    """The same for items, which are their content then. 0 is enough if rare items are unseen anyway
    (`minimum_item_events`)."""

    minimum_item_events: int = 3
    """Items with fewer events have no vector of their own: they are their content."""

    hashed_item_rows: int = 0
    """Above 0, the items' own vectors are in a table of that many rows, shared by a hash, and a step updates only the
    rows of its batch: for catalogs too large for one vector per item. `minimum_item_events` doesn't apply then."""

    token_rows: int = 32_768
    """Learned vectors that the hashed words and attributes of items share, of `token_width` numbers each; 0: the model
    doesn't use them."""

    token_width: int = 16

    vectors: tuple[tuple[str, int], ...] = ()
    """Names and lengths of the shop's item vectors that the model uses, in JSON {"text": 64}. The ranker needs the same
    setting (`VITRINE_RANKER_VECTORS`)."""

    text_encoder: str = ""
    """The encoder whose vectors of the items' texts the model uses besides the shop's: "minilm", or none. The ranker
    needs the same setting (`VITRINE_RANKER_TEXT_ENCODER`)."""

    factors: int = 64
    """Collaborative factors (see ItemFactors) appended to the learned elements of item and user vectors; 0: none. With
    `hashed_item_rows` there are none, since they're stored by item."""

    price_bands: int = 16
    attribute_width: int = 16
    candidate_width: int = 12
    """Size of the projection of the candidate's vector that goes into the ranking head."""

    hidden: tuple[int, ...] = (128, 64)
    hidden_dropout: float = 0.5

    crosses: int = 0
    """Cross layers of the ranking head (DCN-V2) besides the hidden ones: n of them form products of n + 1 inputs."""

    cross_rank: int = 32
    """Rank of each cross layer's matrix."""

    @property
    def vector_width(self) -> int:
        """Size of the vectors of `encode_user` and `encode_item`: learned elements, the item's bias, factors."""
        return self.width + 1 + self.kept_factors

    @property
    def kept_factors(self) -> int:
        """The factors that the model has."""
        return 0 if self.hashed_item_rows else self.factors

    def __post_init__(self) -> None:
        require_at_least(self, _LEAST)
        require_rates(self, _RATES)
        if any(size < 1 for size in self.hidden):
            raise ValueError(f"hidden is {list(self.hidden)}; give sizes of 1 or more")
        if self.width % self.heads:
            raise ValueError(f"width is {self.width}, with {self.heads} heads; give a multiple of heads")
        if any(size < 1 for _, size in self.vectors):
            raise ValueError("vectors has a length below 1; give lengths of 1 or more")
        require_encoder(self.text_encoder, dict(self.vectors))
        if self.token_rows != 0 and not 2 <= self.token_rows <= TOKEN_BUCKETS:
            raise ValueError(
                f"token_rows is {self.token_rows}; give 0, or from 2 to {TOKEN_BUCKETS}, the number of tokens"
            )
        if self.hashed_item_rows == 1:
            raise ValueError("hashed_item_rows is 1; give 0, or 2 or more")

    @property
    def item_vectors(self) -> dict[str, int]:
        """Names and lengths of all item vectors that the model uses: the shop's and the text encoder's."""
        return with_encoder(self.text_encoder, dict(self.vectors))

    @classmethod
    def read(cls, path: Path) -> "BehaviorModelConfig":
        """Reads a JSON object of fields; missing ones have their defaults. Raises what `read_fields` does."""
        return read_fields(cls, path)
