from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.candidates.artifacts.group_tastes import Group
from services.candidates.eligibility import Eligibility
from services.candidates.history import History
from services.candidates.visitor import Taste
from vitrine.common.v1.item_filter_pb2 import ItemFilter
from vitrine.features.v1.user_features_pb2 import UserFeatures


@dataclass(frozen=True, slots=True)
class Query:
    """One request as the sources see it: who asks, when, and what may be answered."""

    query_millis: int
    history: History
    taste: Taste
    eligibility: Eligibility
    user_vector: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    user_vector_version: str = ""
    context: Mapping[str, str] = field(default_factory=dict)
    user: UserFeatures = field(default_factory=UserFeatures)
    groups: tuple[Group, ...] = ()
    item_filter: ItemFilter = field(default_factory=ItemFilter)
