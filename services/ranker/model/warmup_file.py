"""The requests that a model server replays before it says that a version is available."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import tensorflow as tf

from services.ranker.inputs.tensors import Tensors
from services.ranker.model.config import MODEL_NAME
from services.ranker.tensor_codec import encode
from services.ranker.tf_protos import predict_pb2, prediction_log_pb2

WARMUP_FILE: Final = Path("assets.extra") / "tf_serving_warmup_requests"


def write_warmup_file(folder: Path, requests: Sequence[tuple[str, Tensors]]) -> None:
    """Writes (signature, inputs) pairs as a TFRecord file of PredictionLogs, where TensorFlow Serving looks for it."""
    path = folder / WARMUP_FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in requests:
            request = predict_pb2.PredictRequest()
            request.model_spec.name = MODEL_NAME
            request.model_spec.signature_name = signature
            for name, array in inputs.items():
                request.inputs[name].CopyFrom(encode(array))
            log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
            writer.write(log.SerializeToString())
