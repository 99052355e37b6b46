"""Replays a model's recorded requests before it serves: `assets.extra/tf_serving_warmup_requests`."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from services.common.errors import InvalidArgumentError
from services.ranker.modelserver.example_input import INPUTS, read_examples
from services.ranker.modelserver.predict_inputs import DEFAULT_SIGNATURE, read_inputs, signature_of
from services.ranker.modelserver.servable import LoadedModel
from services.ranker.tf_protos import inference_pb2, predict_pb2, prediction_log_pb2

WARMUP_FILE: Final = Path("assets.extra") / "tf_serving_warmup_requests"
MAX_RECORDS: Final = 1000  # as TensorFlow Serving has it

_KINDS: Final = frozenset({"predict_log", "classify_log", "regress_log", "multi_inference_log"})
_HEADER: Final = struct.Struct("<QI")  # length, its masked checksum
_FOOTER: Final = struct.Struct("<I")  # the data's masked checksum


def warm_up(model: LoadedModel, path: Path) -> int:
    """Runs the requests of the version directory `path` through `model`; returns how many. No file: none.

    Raises InvalidArgumentError where the file cannot be read, and what the model raises: a model that fails on the
    requests that were recorded for it is not fit to serve.
    """
    count = 0
    for record in _records(path / WARMUP_FILE):
        if count == MAX_RECORDS:
            raise InvalidArgumentError(f"{WARMUP_FILE} has more than {MAX_RECORDS} records; record fewer")
        log = prediction_log_pb2.PredictionLog.FromString(record)
        kind = log.WhichOneof("log_type")
        if kind not in _KINDS:
            raise InvalidArgumentError(
                f"record {count} of {WARMUP_FILE} is {kind or 'no request'}; record what is answered at once: "
                f"{', '.join(sorted(_KINDS))}"
            )
        _replay(model, getattr(log, kind).request)
        count += 1
    return count


def _replay(model: LoadedModel, request: Any) -> None:
    if isinstance(request, predict_pb2.PredictRequest):
        signature_name = request.model_spec.signature_name or DEFAULT_SIGNATURE
        signature = signature_of(model.meta_graph.signature_def, signature_name)
        model.run(signature_name, read_inputs(signature, request))
        return
    tasks = request.tasks if isinstance(request, inference_pb2.MultiInferenceRequest) else [request]
    for task in tasks:
        signature_name = task.model_spec.signature_name or DEFAULT_SIGNATURE
        signature_of(model.meta_graph.signature_def, signature_name)
        model.run(signature_name, {INPUTS: read_examples(request.input)})


def _records(path: Path) -> Iterator[bytes]:
    """Yields the records of a TFRecord file. Checksums are not checked: the protos inside are parsed anyway."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        size = path.stat().st_size
        while header := file.read(_HEADER.size):
            if len(header) < _HEADER.size:
                raise InvalidArgumentError(f"{WARMUP_FILE} is cut short; write it again")
            length, _ = _HEADER.unpack(header)
            if length + _FOOTER.size > size - file.tell():
                raise InvalidArgumentError(f"{WARMUP_FILE} is cut short or no TFRecord file; write it again")
            yield file.read(length)
            file.seek(_FOOTER.size, 1)
