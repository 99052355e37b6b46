from collections.abc import Mapping
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy.special import logit

from services.common import event_types
from services.common.numeric import standard_scales
from services.common.strengths import STRENGTH_BY_TYPE
from services.ranker.inputs.attributes import ATTRIBUTE_BUCKETS
from services.ranker.inputs.candidate_features import FEATURE_NAMES
from services.ranker.model.config import BehaviorModelConfig
from services.ranker.model.embeddings import Vocabulary
from services.ranker.model.exposure_tower import ExposureTower
from services.ranker.model.history_encoder import HistoryEncoder
from services.ranker.model.item_factors import ItemFactors
from services.ranker.model.item_tower import ItemTower
from services.ranker.model.ranking_head import RankingHead
from services.ranker.model.target_attention import TargetAttention

ACTIONS: Final = ("click", "favorite", "add_to_cart", "purchase")
"""The actions that `rank` predicts, in the order of the last axis of the logits."""

MOST_DEVIATIONS: Final = 6.0

Batch = Mapping[str, Any]


class BehaviorModel(keras.Model):
    """Two heads on one backbone: the user's vector, which retrieves items, and the action probabilities of candidates.

    Inputs are those of the signatures (services/ranker/inputs/tensors.py). An action without a training example keeps
    the prior set by `set_actions`: a small constant, the same for all candidates, that doesn't affect their order.
    """

    def __init__(self, config: BehaviorModelConfig, vocabulary: Vocabulary, seed: int = 0) -> None:
        super().__init__(name="behavior")
        self.config = config
        self.tower = ItemTower(config, vocabulary, seed + 100, name="tower")
        self.encoder = HistoryEncoder(config, seed + 200, name="encoder")
        self.factors = ItemFactors(config, vocabulary, name="factors") if config.kept_factors else None
        self.attention = TargetAttention(config.width, seed + 300, name="attention")
        self.attributes = keras.layers.Embedding(
            ATTRIBUTE_BUCKETS,
            config.attribute_width,
            keras.initializers.RandomNormal(stddev=0.05, seed=seed + 400),
            name="attributes",
        )
        glorot = keras.initializers.GlorotUniform
        self.taste = keras.layers.Dense(config.width, kernel_initializer=glorot(seed + 401), name="taste")
        self.narrow = keras.layers.Dense(config.candidate_width, kernel_initializer=glorot(seed + 402), name="narrow")
        inputs = len(FEATURE_NAMES) + config.candidate_width + config.width + config.attribute_width + 3
        self.forget = keras.layers.Dropout(config.taste_dropout, seed=seed + 403)
        self.head = RankingHead(config, inputs, len(ACTIONS), seed + 500, name="head")
        self.exposure = ExposureTower(len(ACTIONS), name="exposure")
        for part, width in (
            (self.exposure, 1),
            (self.tower, 1),
            (self.encoder, config.width),
            (self.attention, config.width),
            (self.attributes, 1),
            (self.taste, config.attribute_width),
            (self.narrow, config.width),
            (self.head, inputs),
            (self.factors, 1),
        ):
            if part is not None:
                part.build((None, width))
        constant = {"trainable": False, "initializer": "zeros"}
        self.feature_means = self.add_weight(name="feature_means", shape=(len(FEATURE_NAMES),), **constant)
        self.feature_scales = self.add_weight(name="feature_scales", shape=(len(FEATURE_NAMES),), **constant)
        self.learned = self.add_weight(name="learned", shape=(len(ACTIONS),), **constant)
        self.priors = self.add_weight(name="priors", shape=(len(ACTIONS),), **constant)
        self.factor_weight = self.add_weight(name="factor_weight", shape=(), **constant)
        self.slopes = self.add_weight(name="slopes", shape=(len(ACTIONS),), initializer="ones", trainable=False)
        self.shifts = self.add_weight(name="shifts", shape=(len(ACTIONS),), **constant)
        self.built = True

    def set_features(self, means: NDArray[Any], deviations: NDArray[Any]) -> None:
        """Sets the mean and deviation that standardize the features; a feature that never varies is left out."""
        self.feature_means.assign(means)
        self.feature_scales.assign(standard_scales(deviations))

    def set_actions(self, learned: NDArray[Any], priors: NDArray[Any]) -> None:
        """Sets which actions training has examples of (0 or 1), and every action's mean probability."""
        self.learned.assign(learned)
        self.priors.assign(priors)
        self.head.start_at(logit(priors))

    def set_calibration(self, slopes: NDArray[Any], shifts: NDArray[Any]) -> None:
        """Sets the calibration of the logits: sigmoid(slope * logit + shift), by action."""
        self.slopes.assign(slopes)
        self.shifts.assign(shifts)

    def item_vectors(self, batch: Batch, prefix: str, training: bool = False) -> Any:
        """Returns the vectors of the items in the columns whose names start with `prefix`, (…, width + 1)."""
        return self.tower(_columns(self.tower, batch, prefix), training=training)

    def encode_history(self, batch: Batch, training: bool = False) -> tuple[Any, Any]:
        """Returns the events, and the user's vector after each of them, both (B, L, width)."""
        types, ages = batch["history_types"], batch["history_ages"]
        vectors = self.item_vectors(batch, "history_", training)[..., :-1]
        events = self.encoder.events(vectors, types)
        return events, self.encoder(events, types, ages, training=training)

    def user_vectors(self, states: Any) -> Any:
        """Returns states (…, width) with a 1 appended, which multiplies the item's bias."""
        return tf.concat([states, tf.ones_like(states[..., :1])], axis=-1)

    def encode_item(self, item: Batch) -> Any:
        """Returns the vectors of `encode_item`, (items, vector_width): the tower's, then the factors."""
        vectors = self.item_vectors(item, "")
        return (
            vectors
            if self.factors is None
            else tf.concat([vectors, self.factors(_columns(self.factors, item, ""))], axis=-1)
        )

    def encode_user(self, batch: Batch) -> Any:
        """Returns the vectors of `encode_user`, (B, vector_width): the state after the last event, then the
        factors of the history's items.
        """
        _, states = self.encode_history(batch)
        vectors = self.user_vectors(states[:, -1])
        if self.factors is None:
            return vectors
        strengths = tf.gather(
            STRENGTH_BY_TYPE.astype(np.float32), tf.clip_by_value(batch["history_types"], 0, event_types.COUNT - 1)
        )
        taken = tf.einsum("bl,blf->bf", strengths, self.factors(_columns(self.factors, batch, "history_")))
        taste = tf.math.divide_no_nan(taken, tf.norm(strengths, axis=-1, keepdims=True))
        return tf.concat([vectors, self.factor_weight * taste], axis=-1)

    def rank_logits(self, batch: Batch, events: Any, states: Any, training: bool = False) -> Any:
        """Returns (B, N, actions) from the events and the users' vectors of `encode_history`."""
        items = self.item_vectors(batch, "candidate_", training)
        vectors, user = items[..., :-1], states[:, -1]
        features = (batch["candidate_features"] - self.feature_means) * self.feature_scales
        features = tf.clip_by_value(features, -MOST_DEVIATIONS, MOST_DEVIATIONS)
        attended = self.attention(vectors, events, batch["history_types"], batch["history_ages"])
        attributes = self._attributes(batch["user_attributes"])
        # Ranking must not train the retrieval head's vectors through its score.
        found = tf.stop_gradient(tf.einsum("bnd,bd->bn", items, self.user_vectors(user)))
        suits = tf.einsum("bnd,bd->bn", vectors, self.taste(attributes))
        agrees = tf.reduce_sum(vectors * attended, axis=-1)
        everywhere = tf.ones_like(found)[..., None]
        tastes = tf.concat(
            [
                self.narrow(vectors),
                attended,
                attributes[:, None, :] * everywhere,
                tf.stack([found, suits, agrees], axis=-1),
            ],
            axis=-1,
        )
        known = tf.concat([features, self.forget(tastes, training=training)], axis=-1)
        return self.head(known, training=training)

    def probabilities(self, logits: Any) -> Any:
        """Returns probabilities of the same shape: calibrated or, for actions without examples, the prior."""
        calibrated = tf.sigmoid(self.slopes * logits + self.shifts)
        return self.learned * calibrated + (1.0 - self.learned) * self.priors

    def call(self, batch: Batch, training: bool = False) -> Any:
        """Returns the probabilities of `rank`, (B, N, actions)."""
        events, states = self.encode_history(batch, training)
        return self.probabilities(self.rank_logits(batch, events, states, training))

    def _attributes(self, buckets: Any) -> Any:
        present = tf.cast(buckets > 0, tf.float32)[..., None]
        return tf.reduce_sum(self.attributes(tf.clip_by_value(buckets, 0, ATTRIBUTE_BUCKETS - 1)) * present, axis=1)


def _columns(layer: ItemTower | ItemFactors, batch: Batch, prefix: str) -> dict[str, Any]:
    """Returns a layer's inputs from the columns whose names start with `prefix`."""
    return {name: batch[f"{prefix}{name}"] for name in layer.inputs}
