from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import numpy as np
import pytest
from tensorflow_serving.apis import classification_pb2, inference_pb2, regression_pb2

from services.ranker.tensor_codec import decode, encode
from services.ranker.tf_protos import get_model_metadata_pb2, predict_pb2
from tests.support.serving_client import Server, X, error_of, predict_request

pytestmark = pytest.mark.slow  # a server process


class TestPredict:
    def test_answers_the_default_signature_and_says_which_version_answered(self, server: Server) -> None:
        response = server.predict(predict_request())
        np.testing.assert_array_equal(decode(response.outputs["y"]), X * 2)
        assert (response.model_spec.name, response.model_spec.version.value) == ("line", 1)
        assert response.model_spec.signature_name == "serving_default"

    def test_reads_typed_fields_as_well_as_tensor_content(self, server: Server) -> None:
        request = predict_request({})
        request.inputs["x"].CopyFrom(encode(X))
        request.inputs["x"].ClearField("tensor_content")
        request.inputs["x"].float_val.extend([1.0, 2.0])  # the last one fills the rest
        response = server.predict(request)
        np.testing.assert_array_equal(decode(response.outputs["y"]), [[2, 4, 4], [4, 4, 4]])

    def test_carries_strings(self, server: Server) -> None:
        text = np.array([b"", "näh😀".encode(), b"\xff\x00"], dtype=object)
        response = server.predict(predict_request({"text": text}, signature_name="echo"))
        assert list(decode(response.outputs["text"])) == list(text)

    def test_returns_only_the_outputs_asked_for(self, server: Server) -> None:
        request = predict_request({"x": X, "by": X}, signature_name="scaled")
        assert set(server.predict(request).outputs) == {"product", "sum"}
        request.output_filter.append("sum")
        assert set(server.predict(request).outputs) == {"sum"}

    def test_answers_an_empty_batch(self, server: Server) -> None:
        response = server.predict(predict_request({"x": np.zeros((0, 3), np.float32)}))
        assert decode(response.outputs["y"]).shape == (0, 3)

    def test_concurrent_requests_get_their_own_answers(self, server: Server) -> None:
        def ask(number: int) -> bool:
            rows = np.full((1 + number % 3, 3), number, np.float32)
            return bool(np.array_equal(decode(server.predict(predict_request({"x": rows})).outputs["y"]), rows * 2))

        with ThreadPoolExecutor(16) as pool:
            assert all(pool.map(ask, range(200)))

    @pytest.mark.parametrize(
        ("request_", "code", "words"),
        [
            (predict_request(name=""), "INVALID_ARGUMENT", "ModelSpec has no name"),
            (predict_pb2.PredictRequest(), "INVALID_ARGUMENT", "Missing ModelSpec"),
            (predict_request(name="unheard"), "NOT_FOUND", "Servable not found for request: Latest(unheard)"),
            (predict_request(version=7), "NOT_FOUND", "Servable not found for request: Specific(line, 7)"),
            (predict_request(label="canary"), "INVALID_ARGUMENT", "Unrecognized servable version label: canary"),
            (predict_request(signature_name="rank"), "FAILED_PRECONDITION", 'Serving signature key "rank" not found'),
            (predict_request({}), "INVALID_ARGUMENT", "input size does not match signature"),
            (predict_request({"x": X, "z": X}), "INVALID_ARGUMENT", "Sent extra: {z}"),
            (predict_request({"z": X}), "INVALID_ARGUMENT", ""),
            (predict_request({"x": X.astype(np.int32)}), "INVALID_ARGUMENT", "int32"),
            (predict_request({"x": X.ravel()}), "INVALID_ARGUMENT", ""),
            (predict_request({"x": X.reshape(3, 2)}), "INVALID_ARGUMENT", ""),
        ],
    )
    def test_refuses_what_does_not_fit(self, server: Server, request_: Any, code: str, words: str) -> None:
        actual, details = error_of(lambda: server.predict(request_))
        assert actual.name == code
        assert words in details

    def test_refuses_a_tensor_whose_content_does_not_fit_its_shape(self, server: Server) -> None:
        request = predict_request()
        request.inputs["x"].tensor_content = b"123"
        code, details = error_of(lambda: server.predict(request))
        assert code == grpc.StatusCode.INVALID_ARGUMENT
        assert "tensor parsing error: x" in details

    def test_refuses_outputs_that_are_not_there_or_asked_for_twice(self, server: Server) -> None:
        request = predict_request()
        request.output_filter.append("z")
        code, details = error_of(lambda: server.predict(request))
        assert (code, "output tensor alias not found in signature: z" in details) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            True,
        )
        request.output_filter[:] = ["y", "y"]
        assert error_of(lambda: server.predict(request)) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            "duplicate output tensor alias: y",
        )


class TestGetModelMetadata:
    def test_tells_the_signatures_with_their_shapes(self, server: Server) -> None:
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.name = "line"
        response = server.predictions.GetModelMetadata(request, timeout=20)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        assert response.metadata["signature_def"].Unpack(signatures)
        assert response.model_spec.version.value == 1
        x = signatures.signature_def["serving_default"].inputs["x"]
        assert [dim.size for dim in x.tensor_shape.dim] == [-1, 3]

    def test_refuses_no_field_and_an_unknown_one(self, server: Server) -> None:
        request = get_model_metadata_pb2.GetModelMetadataRequest()
        request.model_spec.name = "line"
        code, details = error_of(lambda: server.predictions.GetModelMetadata(request, timeout=20))
        assert code == grpc.StatusCode.INVALID_ARGUMENT
        assert "at least one metadata_field" in details
        request.metadata_field.append("weights")
        assert error_of(lambda: server.predictions.GetModelMetadata(request, timeout=20))[0].name == "INVALID_ARGUMENT"


class TestOtherMethods:
    @pytest.mark.parametrize(
        ("method", "request_"),
        [
            ("Classify", classification_pb2.ClassificationRequest()),
            ("Regress", regression_pb2.RegressionRequest()),
            ("MultiInference", inference_pb2.MultiInferenceRequest()),
        ],
    )
    def test_are_not_implemented(self, server: Server, method: str, request_: Any) -> None:
        code, _ = error_of(lambda: getattr(server.predictions, method)(request_, timeout=20))
        assert code == grpc.StatusCode.UNIMPLEMENTED
