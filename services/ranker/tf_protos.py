"""TensorFlow's and TensorFlow Serving's protos, without TensorFlow: the one place that imports them.

`tensorflow_serving.apis` imports `tensorflow.core.*_pb2`, and importing any module of a package runs the package's own
`__init__`: seconds, and hundreds of megabytes, for message classes alone. So a bare package object that only knows
where the message modules are stands in for it during these imports: in the installed TensorFlow or, without one, in the
copy that scripts/generate_stubs.py puts beside our own stubs. It's removed right after: a later import of
TensorFlow in the same process gets the real package, which shares the message classes loaded here.
"""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import vitrine

_PACKAGE = "tensorflow"


@contextmanager
def _bare_tensorflow() -> Iterator[None]:
    if _PACKAGE in sys.modules:
        yield
        return
    bare = ModuleType(_PACKAGE)
    bare.__path__ = _message_folders()
    sys.modules[_PACKAGE] = bare
    try:
        yield
    finally:
        del sys.modules[_PACKAGE]


def _message_folders() -> list[str]:
    if installed := importlib.util.find_spec(_PACKAGE):
        return list(installed.submodule_search_locations or ())
    copies = [folder / "_tensorflow" for folder in map(Path, vitrine.__path__)]
    if not any(folder.is_dir() for folder in copies):
        raise ModuleNotFoundError("the stubs lack TensorFlow's messages; run `make stubs`", name=_PACKAGE)
    return list(map(str, copies))


with _bare_tensorflow():
    from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2, types_pb2
    from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2
    from tensorflow_serving.apis import (
        get_model_metadata_pb2,
        get_model_status_pb2,
        model_management_pb2,
        model_pb2,
        model_service_pb2_grpc,
        predict_pb2,
        prediction_log_pb2,
        prediction_service_pb2_grpc,
    )
    from tensorflow_serving.config import file_system_storage_path_source_pb2, model_server_config_pb2

__all__ = [
    "file_system_storage_path_source_pb2",
    "get_model_metadata_pb2",
    "get_model_status_pb2",
    "meta_graph_pb2",
    "model_management_pb2",
    "model_pb2",
    "model_server_config_pb2",
    "model_service_pb2_grpc",
    "predict_pb2",
    "prediction_log_pb2",
    "prediction_service_pb2_grpc",
    "saved_model_pb2",
    "tensor_pb2",
    "tensor_shape_pb2",
    "types_pb2",
]
