"""SavedModels in TensorFlow. Importing this file imports TensorFlow."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.saved_model.loader_impl import SavedModelLoader  # its public wrapper warns of deprecation

from services.common.errors import InvalidArgumentError, VitrineError
from services.ranker.modelserver.servable import Tensors
from services.ranker.modelserver.status_codes import error_of

SERVE = "serve"


class SavedModel:
    """A SavedModel in a session of its own, as TensorFlow Serving holds it: closing the session frees all its memory.

    `run` may be called from several threads at once; TensorFlow computes without the interpreter's lock.
    """

    def __init__(self, path: Path, *, intra_op_threads: int = 0, inter_op_threads: int = 0) -> None:
        config = tf.compat.v1.ConfigProto(
            intra_op_parallelism_threads=intra_op_threads, inter_op_parallelism_threads=inter_op_threads
        )
        self._session = tf.compat.v1.Session(graph=tf.Graph(), config=config)
        try:
            with self._session.graph.as_default():
                self.meta_graph: Any = SavedModelLoader(str(path)).load(self._session, [SERVE])
            self._calls = {
                name: self._callable(signature)
                for name, signature in self.meta_graph.signature_def.items()
                if signature.inputs and signature.outputs
            }
        except BaseException:
            self._session.close()
            raise

    def run(self, signature_name: str, inputs: Tensors) -> dict[str, NDArray[Any]]:
        names, outputs, call = self._calls[signature_name]
        try:
            return dict(zip(outputs, map(np.asarray, call(*(inputs[name] for name in names))), strict=True))
        except tf.errors.OpError as error:
            raise error_of(error.error_code, error.message) from error
        except (TypeError, ValueError) as error:  # the session's errors for arrays it can't feed
            raise InvalidArgumentError(str(error)) from error

    def close(self) -> None:
        self._session.close()

    def _callable(self, signature: Any) -> tuple[list[str], list[str], Any]:
        inputs, outputs = sorted(signature.inputs), sorted(signature.outputs)
        call = self._session.make_callable(
            [signature.outputs[name].name for name in outputs], [signature.inputs[name].name for name in inputs]
        )
        return inputs, outputs, call


def load_saved_model(path: Path, *, intra_op_threads: int = 0, inter_op_threads: int = 0) -> SavedModel:
    """Loads the SavedModel in `path`; raises a VitrineError that says why it can't."""
    try:
        return SavedModel(path, intra_op_threads=intra_op_threads, inter_op_threads=inter_op_threads)
    except VitrineError:
        raise
    except tf.errors.OpError as error:
        raise error_of(error.error_code, error.message) from error
    except OSError as error:  # it doesn't exist, or can't be parsed
        is_there = any((path / name).exists() for name in ("saved_model.pb", "saved_model.pbtxt"))
        raise error_of(tf.errors.DATA_LOSS if is_there else tf.errors.NOT_FOUND, str(error)) from error
    except Exception as error:  # a broken file can fail anywhere in the loader
        raise error_of(tf.errors.DATA_LOSS, f"{type(error).__name__}: {error}") from error
