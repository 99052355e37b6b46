"""Encodes a visitor as the behavior model's vector."""

import numpy as np
from numpy.typing import NDArray

from services.common.errors import UnavailableError
from services.ranker.behavior_model_client import BehaviorModelClient
from services.ranker.inputs.item_columns import ItemColumns
from services.ranker.inputs.tensors import encode_user_inputs
from services.ranker.inputs.user_columns import UserColumns
from services.ranker.model_contract import ENCODE_USER, USER_VECTOR, ModelContract
from services.ranker.model_fault import MISFIT, NOT_FINITE, ModelFault
from services.ranker.prediction_client import Arrays


class UserEncoder:
    """Asks the model's signature `encode_user`."""

    def __init__(self, model: BehaviorModelClient, items: ItemColumns) -> None:
        self._model = model
        self._items = items

    async def encode(
        self, user: UserColumns, query_millis: int, model: str, seconds: float
    ) -> tuple[NDArray[np.float32], str]:
        """Returns the vector, float32[d], and the model's version; empty for a visitor without history.

        Raises UnavailableError with the fault's reason: there is no second best for a vector.
        """
        if not ((user.event_item_nos > 0) & (user.event_millis <= query_millis)).any():
            return np.zeros(0, np.float32), ""

        def inputs(contract: ModelContract) -> Arrays:
            return encode_user_inputs(user, self._items, query_millis, contract.history_length)

        try:
            answer = await self._model.ask(model, ENCODE_USER, inputs, seconds)
            vector = answer.outputs.get(USER_VECTOR)
            if vector is None or vector.ndim != 2 or vector.shape[0] != 1:
                raise ModelFault(MISFIT, f"{ENCODE_USER} did not answer one vector")
            if not np.isfinite(vector).all():
                raise ModelFault(NOT_FINITE, "the vector is not finite")
        except ModelFault as fault:
            raise UnavailableError(f"{fault.message}; go on without the vector", reason=fault.reason) from fault
        return vector[0], answer.version
