"""Whether a new model ranks the held-out window as well as the version that serves, which is asked the same."""

from contextlib import closing
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.common.errors import FailedPreconditionError, VitrineError
from services.ranker.model.behavior_model import ACTIONS
from services.ranker.modelserver.saved_model import SavedModel, load_saved_model
from services.ranker.training.check import Check
from services.ranker.training.examples.examples import Examples
from services.ranker.training.fitting.fit import values_of
from services.ranker.training.fitting.ranking_metrics import ndcg_by_user
from services.ranker.training.publishing.gate import check_signatures

NAME: Final = "as good as the version that serves"
_CHUNK: Final = 64


def check_against_serving(serving: Path | None, validation: Examples, values: NDArray[Any]) -> Check:
    """Compares the new model's `values` (E, N) of the validation's candidates with those of the version in `serving`.

    The validation is later than all that either version learned from. What passes is no worse than chance explains: the
    mean difference over users is at least minus one standard error of it. A version that there is not, that cannot be
    loaded or that takes other inputs cannot be compared: then the other checks decide.
    """
    if serving is None:
        return Check(NAME, passed=True, found="no version serves", needed="none to compare with")
    try:
        with closing(load_saved_model(serving)) as model:
            served = _values(model, validation)
    except VitrineError as error:
        return Check(
            NAME, passed=True, found=f"version {serving.name} cannot be compared: {error}", needed="one that can"
        )
    ours, theirs = ndcg_by_user(validation, values), ndcg_by_user(validation, served)
    chance = float(np.std(ours - theirs)) / len(ours) ** 0.5
    least = float(theirs.mean()) - chance
    return Check(
        NAME,
        bool(np.isfinite(values).any() and ours.mean() >= least),
        f"NDCG@10 {ours.mean():.4f}",
        f"at least {least:.4f}, which is version {serving.name}'s {theirs.mean():.4f} less what chance explains",
    )


def _values(model: SavedModel, validation: Examples) -> NDArray[np.float32]:
    contract = check_signatures(model.meta_graph.signature_def)
    if not contract.passed:
        raise FailedPreconditionError(contract.found)
    strange = set(model.meta_graph.signature_def["rank"].inputs) - set(validation.rank_inputs(slice(1)))
    if strange:
        raise FailedPreconditionError(f"rank takes {', '.join(sorted(strange))}")
    values = []
    for begin in range(0, len(validation), _CHUNK):
        outputs = model.run("rank", validation.rank_inputs(slice(begin, begin + _CHUNK)))
        values.append(values_of(np.stack([outputs[action] for action in ACTIONS], axis=-1)))
    return np.concatenate(values)
