from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from services.ranker.training.fitting.checkpointing import FitCheckpointing, FitState


class TensorBoardLogging:
    """Logs loss and validation of each epoch for TensorBoard (`tensorboard --logdir`), beside another checkpointing."""

    def __init__(self, checkpointing: FitCheckpointing, folder: Path) -> None:
        self._checkpointing = checkpointing
        self._folder = folder

    def resume(self, variables: Sequence[Any]) -> FitState | None:
        """Resumes where the other does; earlier epochs are logged again."""
        state = self._checkpointing.resume(variables)
        if state:
            for epoch in range(len(state.epochs)):
                self._write(state, epoch)
        return state

    def keep(self, variables: Sequence[Any], state: FitState) -> None:
        """Logs the last epoch."""
        self._checkpointing.keep(variables, state)
        self._write(state, len(state.epochs) - 1)

    def _write(self, state: FitState, epoch: int) -> None:
        writer = tf.summary.create_file_writer(str(self._folder))
        with writer.as_default(step=epoch + 1):
            _scalar("loss", state.losses[epoch])
            _scalar("validation/ndcg10", state.epochs[epoch].ndcg)
            _scalar("validation/recall10", state.epochs[epoch].recall)
        writer.close()


def _scalar(name: str, value: float) -> None:
    """Writes what TensorBoard shows as a curve; `tf.summary.scalar` does the same, but wants TensorBoard installed."""
    kind = tf.compat.v1.SummaryMetadata()
    kind.plugin_data.plugin_name = "scalars"
    tf.summary.write(name, tf.constant(value, tf.float32), metadata=kind)
