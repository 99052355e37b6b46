"""Replays a model's recorded requests before it serves: `assets.extra/tf_serving_warmup_requests`."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from services.common.errors import InvalidArgumentError
from services.ranker.modelserver.predict_inputs import DEFAULT_SIGNATURE, read_inputs, signature_of
from services.ranker.modelserver.servable import LoadedModel
from services.ranker.tf_protos import prediction_log_pb2

WARMUP_FILE: Final = Path("assets.extra") / "tf_serving_warmup_requests"
MAX_RECORDS: Final = 1000  # as TensorFlow Serving has it

_KIND: Final = "predict_log"
_HEADER: Final = struct.Struct("<QI")  # length, its masked checksum
_FOOTER: Final = struct.Struct("<I")  # the data's masked checksum


def warm_up(model: LoadedModel, path: Path) -> int:
    """Runs the requests of the version directory `path` through `model` and returns their number; 0 without a file.

    Raises InvalidArgumentError if the file cannot be read, and whatever the model raises: a model that fails on the
    requests recorded for it isn't fit to serve.
    """
    count = 0
    for record in _records(path / WARMUP_FILE):
        if count == MAX_RECORDS:
            raise InvalidArgumentError(f"{WARMUP_FILE} has more than {MAX_RECORDS} records; record fewer")
        log = prediction_log_pb2.PredictionLog.FromString(record)
        kind = log.WhichOneof("log_type")
        if kind != _KIND:
            raise InvalidArgumentError(
                f"record {count} of {WARMUP_FILE} is {kind or 'empty'}; record Predict requests ({_KIND}) only"
            )
        _replay(model, log.predict_log.request)
        count += 1
    return count


def _replay(model: LoadedModel, request: Any) -> None:
    signature_name = request.model_spec.signature_name or DEFAULT_SIGNATURE
    signature = signature_of(model.meta_graph.signature_def, signature_name)
    model.run(signature_name, read_inputs(signature, request))


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
