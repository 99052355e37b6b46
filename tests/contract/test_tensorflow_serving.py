"""What TensorFlow Serving's public protos and documentation promise, of the embedded model server.

Nothing here knows whose server it is: with VITRINE_TEST_TENSORFLOW_SERVING (its address) and
VITRINE_TEST_TENSORFLOW_SERVING_MODELS (a directory that both the tests and the server see under this name, given to the
server as --model_base_path=<directory>/line --model_name=line --file_system_poll_wait_seconds=1
--allow_version_labels_for_unavailable_models=false) the same tests run against the real one.
"""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray

from services.ranker.tensor_codec import decode, encode
from services.ranker.tf_protos import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)
from tests.support.model_server_process import model_server
from tests.support.saved_model_files import write_line, write_warm_up

State = get_model_status_pb2.ModelVersionStatus
X = np.arange(6, dtype=np.float32).reshape(2, 3)
OK = 0


@dataclass
class Server:
    address: str
    models: Path
    predictions: Any
    management: Any

    def predict(self, request: Any) -> Any:
        return self.predictions.Predict(request, timeout=20)

    def states(self, model: str = "line") -> dict[int, Any]:
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = model
        try:
            response = self.management.GetModelStatus(request, timeout=20)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.NOT_FOUND:
                return {}
            raise
        return {status.version: status for status in response.model_version_status}

    def wait_for(self, version: int, state: int, model: str = "line") -> Any:
        _until(lambda: (status := self.states(model).get(version)) is not None and status.state == state)
        return self.states(model)[version]

    def reload(self, *models: dict[str, Any]) -> Any:
        request = model_management_pb2.ReloadConfigRequest()
        for model in models:
            config = request.config.model_config_list.config.add(
                name=model["name"], base_path=str(self.models / model.get("directory", model["name"]))
            )
            config.model_platform = "tensorflow"
            config.model_version_policy.specific.versions.extend(model.get("versions", []))
            for label, version in model.get("labels", {}).items():
                config.version_labels[label] = version
            if not model.get("versions"):
                config.model_version_policy.latest.num_versions = 1
        return self.management.HandleReloadConfigRequest(request, timeout=30)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if address := os.environ.get("VITRINE_TEST_TENSORFLOW_SERVING"):
        yield from _connect(address, Path(os.environ["VITRINE_TEST_TENSORFLOW_SERVING_MODELS"]))
        return
    models = tmp_path_factory.mktemp("models")
    with model_server(models) as address:
        yield from _connect(address, models)


@pytest.fixture
def server(running: Server) -> Iterator[Server]:
    """The server with version 1 of the model `line` and nothing else."""
    shutil.rmtree(running.models / "line", ignore_errors=True)
    write_line(running.models / "line", 1)
    running.reload({"name": "line"})
    running.wait_for(1, State.AVAILABLE)
    _until(lambda: all(s.state in (State.AVAILABLE, State.END) for s in running.states().values()))
    yield running
    for folder in running.models.iterdir():
        if folder.name not in {"line", "state"} and folder.is_dir():
            shutil.rmtree(folder)


def _connect(address: str, models: Path) -> Iterator[Server]:
    with grpc.insecure_channel(address) as channel:
        yield Server(
            address,
            models,
            prediction_service_pb2_grpc.PredictionServiceStub(channel),
            model_service_pb2_grpc.ModelServiceStub(channel),
        )


def _until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


def _request(inputs: dict[str, NDArray[Any]] | None = None, **spec: Any) -> Any:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = spec.get("name", "line")
    request.model_spec.signature_name = spec.get("signature_name", "")
    if "version" in spec:
        request.model_spec.version.value = spec["version"]
    if "label" in spec:
        request.model_spec.version_label = spec["label"]
    for name, array in (inputs if inputs is not None else {"x": X}).items():
        request.inputs[name].CopyFrom(encode(array))
    return request


def _add_examples(examples: Any, *values: float | None) -> None:
    for value in values:
        example = examples.add()
        if value is not None:
            example.features.feature["x"].float_list.value.append(value)


def _tasks(*names: str) -> Any:
    request = inference_pb2.MultiInferenceRequest()
    for name in names:
        task = request.tasks.add(method_name=f"tensorflow/serving/{name}")
        task.model_spec.name, task.model_spec.signature_name = "line", name
    return request


def _error(call: Callable[[], Any]) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error: Any = caught.value
    return error.code(), error.details()


class TestPredict:
    def test_answers_the_default_signature_and_says_which_version_answered(self, server: Server) -> None:
        response = server.predict(_request())
        np.testing.assert_array_equal(decode(response.outputs["y"]), X * 2)
        assert (response.model_spec.name, response.model_spec.version.value) == ("line", 1)
        assert response.model_spec.signature_name == "serving_default"

    def test_reads_typed_fields_as_well_as_tensor_content(self, server: Server) -> None:
        request = _request({})
        request.inputs["x"].CopyFrom(encode(X))
        request.inputs["x"].ClearField("tensor_content")
        request.inputs["x"].float_val.extend([1.0, 2.0])  # the last one fills the rest
        response = server.predict(request)
        np.testing.assert_array_equal(decode(response.outputs["y"]), [[2, 4, 4], [4, 4, 4]])

    def test_carries_strings(self, server: Server) -> None:
        text = np.array([b"", "näh😀".encode(), b"\xff\x00"], dtype=object)
        response = server.predict(_request({"text": text}, signature_name="echo"))
        assert list(decode(response.outputs["text"])) == list(text)

    def test_returns_only_the_outputs_asked_for(self, server: Server) -> None:
        request = _request({"x": X, "by": X}, signature_name="scaled")
        assert set(server.predict(request).outputs) == {"product", "sum"}
        request.output_filter.append("sum")
        assert set(server.predict(request).outputs) == {"sum"}

    def test_answers_an_empty_batch(self, server: Server) -> None:
        response = server.predict(_request({"x": np.zeros((0, 3), np.float32)}))
        assert decode(response.outputs["y"]).shape == (0, 3)

    def test_concurrent_requests_get_their_own_answers(self, server: Server) -> None:
        def ask(number: int) -> bool:
            rows = np.full((1 + number % 3, 3), number, np.float32)
            return bool(np.array_equal(decode(server.predict(_request({"x": rows})).outputs["y"]), rows * 2))

        with ThreadPoolExecutor(16) as pool:
            assert all(pool.map(ask, range(200)))

    @pytest.mark.parametrize(
        ("request_", "code", "words"),
        [
            (_request(name=""), "INVALID_ARGUMENT", "ModelSpec has no name"),
            (predict_pb2.PredictRequest(), "INVALID_ARGUMENT", "Missing ModelSpec"),
            (_request(name="unheard"), "NOT_FOUND", "Servable not found for request: Latest(unheard)"),
            (_request(version=7), "NOT_FOUND", "Servable not found for request: Specific(line, 7)"),
            (_request(label="canary"), "INVALID_ARGUMENT", "Unrecognized servable version label: canary"),
            (_request(signature_name="rank"), "FAILED_PRECONDITION", 'Serving signature key "rank" not found'),
            (_request({}), "INVALID_ARGUMENT", "input size does not match signature"),
            (_request({"x": X, "z": X}), "INVALID_ARGUMENT", "Sent extra: {z}"),
            (_request({"z": X}), "INVALID_ARGUMENT", ""),
            (_request({"x": X.astype(np.int32)}), "INVALID_ARGUMENT", "int32"),
            (_request({"x": X.ravel()}), "INVALID_ARGUMENT", ""),
            (_request({"x": X.reshape(3, 2)}), "INVALID_ARGUMENT", ""),
        ],
    )
    def test_refuses_what_does_not_fit(self, server: Server, request_: Any, code: str, words: str) -> None:
        actual, details = _error(lambda: server.predict(request_))
        assert actual.name == code
        assert words in details

    def test_refuses_a_tensor_whose_content_does_not_fit_its_shape(self, server: Server) -> None:
        request = _request()
        request.inputs["x"].tensor_content = b"123"
        code, details = _error(lambda: server.predict(request))
        assert code == grpc.StatusCode.INVALID_ARGUMENT
        assert "tensor parsing error: x" in details

    def test_refuses_outputs_that_are_not_there_or_asked_for_twice(self, server: Server) -> None:
        request = _request()
        request.output_filter.append("z")
        code, details = _error(lambda: server.predict(request))
        assert (code, "output tensor alias not found in signature: z" in details) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            True,
        )
        request.output_filter[:] = ["y", "y"]
        assert _error(lambda: server.predict(request)) == (
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
        code, details = _error(lambda: server.predictions.GetModelMetadata(request, timeout=20))
        assert code == grpc.StatusCode.INVALID_ARGUMENT
        assert "at least one metadata_field" in details
        request.metadata_field.append("weights")
        assert _error(lambda: server.predictions.GetModelMetadata(request, timeout=20))[0].name == "INVALID_ARGUMENT"


class TestMethodsOnExamples:
    def test_are_refused_for_a_model_without_such_signatures(self, server: Server) -> None:
        classify = classification_pb2.ClassificationRequest()
        regress = regression_pb2.RegressionRequest()
        for call, request in ((server.predictions.Classify, classify), (server.predictions.Regress, regress)):
            request.model_spec.name = "line"
            request.input.example_list.examples.add()
            code, details = _error(lambda call=call, request=request: call(request, timeout=20))  # type: ignore[misc]
            assert code == grpc.StatusCode.INVALID_ARGUMENT
            assert "tensorflow/serving/predict" in details

    def test_classify_names_classes_with_their_scores(self, server: Server) -> None:
        request = classification_pb2.ClassificationRequest()
        request.model_spec.name, request.model_spec.signature_name = "line", "classify"
        _add_examples(request.input.example_list.examples, 1.0, 3.0)
        response = server.predictions.Classify(request, timeout=20)
        found = [[(float(one.label), one.score) for one in row.classes] for row in response.result.classifications]
        assert found == [[(1.0, 2.0)], [(3.0, 6.0)]]
        assert (response.model_spec.signature_name, response.model_spec.version.value) == ("classify", 1)

    def test_regress_answers_a_value_for_each_example(self, server: Server) -> None:
        request = regression_pb2.RegressionRequest()
        request.model_spec.name, request.model_spec.signature_name = "line", "regress"
        _add_examples(request.input.example_list.examples, 1.0, 2.5, -4.0)
        response = server.predictions.Regress(request, timeout=20)
        assert [one.value for one in response.result.regressions] == [2.0, 5.0, -8.0]

    def test_a_context_belongs_to_each_example_and_an_examples_own_feature_wins(self, server: Server) -> None:
        request = regression_pb2.RegressionRequest()
        request.model_spec.name, request.model_spec.signature_name = "line", "regress"
        both = request.input.example_list_with_context
        both.context.features.feature["x"].float_list.value.append(10.0)
        _add_examples(both.examples, 1.0, None)
        response = server.predictions.Regress(request, timeout=20)
        assert [one.value for one in response.result.regressions] == [2.0, 20.0]

    def test_multi_inference_asks_several_signatures_about_the_same_examples(self, server: Server) -> None:
        request = _tasks("regress", "classify")
        _add_examples(request.input.example_list.examples, 3.0)
        regression, classification = server.predictions.MultiInference(request, timeout=20).results
        assert regression.regression_result.regressions[0].value == 6.0
        assert classification.classification_result.classifications[0].classes[0].score == 6.0
        assert classification.model_spec.signature_name == "classify"

    @pytest.mark.parametrize(("method", "name"), [("Classify", "regress"), ("Regress", "classify")])
    def test_a_signature_of_the_other_method_is_refused(self, server: Server, method: str, name: str) -> None:
        kinds = {"Classify": classification_pb2.ClassificationRequest, "Regress": regression_pb2.RegressionRequest}
        request = kinds[method]()
        request.model_spec.name, request.model_spec.signature_name = "line", name
        _add_examples(request.input.example_list.examples, 3.0)
        code, details = _error(lambda: getattr(server.predictions, method)(request, timeout=20))
        assert code == grpc.StatusCode.INVALID_ARGUMENT
        assert f"Was: tensorflow/serving/{name}" in details

    def test_no_example_is_refused(self, server: Server) -> None:
        request = regression_pb2.RegressionRequest()
        request.model_spec.name, request.model_spec.signature_name = "line", "regress"
        code, details = _error(lambda: server.predictions.Regress(request, timeout=20))
        assert code == grpc.StatusCode.INVALID_ARGUMENT
        assert "Input is empty" in details

    def test_an_example_that_cannot_be_parsed_is_the_callers_fault(self, server: Server) -> None:
        request = regression_pb2.RegressionRequest()
        request.model_spec.name, request.model_spec.signature_name = "line", "regress"
        example = request.input.example_list.examples.add()
        example.features.feature["x"].bytes_list.value.append(b"no number")
        code, _ = _error(lambda: server.predictions.Regress(request, timeout=20))
        assert code == grpc.StatusCode.INVALID_ARGUMENT

    @pytest.mark.parametrize(
        ("names", "model", "words"),
        [
            (("regress", "regress"), "line", "Duplicate evaluation of signature: regress"),
            (("regress", "classify"), "other", "same model name"),
            (("regress", "classify"), "", "empty model name"),
        ],
    )
    def test_tasks_that_cannot_be_done_together_are_refused(
        self, server: Server, names: tuple[str, ...], model: str, words: str
    ) -> None:
        request = _tasks(*names)
        request.tasks[1].model_spec.name = model
        _add_examples(request.input.example_list.examples, 3.0)
        code, details = _error(lambda: server.predictions.MultiInference(request, timeout=20))
        assert code == grpc.StatusCode.INVALID_ARGUMENT
        assert words in details

    def test_multi_inference_knows_no_other_method(self, server: Server) -> None:
        request = inference_pb2.MultiInferenceRequest()
        task = request.tasks.add(method_name="tensorflow/serving/predict")
        task.model_spec.name = "line"
        request.input.example_list.examples.add()
        code, details = _error(lambda: server.predictions.MultiInference(request, timeout=20))
        assert code == grpc.StatusCode.UNIMPLEMENTED
        assert "Unsupported signature method_name" in details


class TestVersions:
    def test_a_new_version_takes_over_and_the_old_one_ends(self, server: Server) -> None:
        write_line(server.models / "line", 2, slope=3)
        server.wait_for(2, State.AVAILABLE)
        server.wait_for(1, State.END)
        assert server.states()[1].status.error_code == OK
        np.testing.assert_array_equal(decode(server.predict(_request()).outputs["y"]), X * 3)

    def test_no_request_fails_while_versions_change(self, server: Server) -> None:
        stop, answered = threading.Event(), set()

        def ask() -> None:
            while not stop.is_set():
                response = server.predict(_request())
                slope = response.model_spec.version.value + 1
                np.testing.assert_array_equal(decode(response.outputs["y"]), X * slope)
                answered.add(response.model_spec.version.value)

        with ThreadPoolExecutor(4) as pool:
            callers = [pool.submit(ask) for _ in range(4)]
            try:
                for version in (2, 3, 4):
                    write_line(server.models / "line", version, slope=version + 1)
                    server.wait_for(version, State.AVAILABLE)
                    server.wait_for(version - 1, State.END)
                _until(lambda: 4 in answered)
            finally:
                stop.set()
            for caller in callers:
                caller.result()

    def test_a_broken_version_ends_with_its_error_and_the_old_one_goes_on(self, server: Server) -> None:
        broken = server.models / "line" / "20"
        broken.mkdir()
        (broken / "saved_model.pb").write_bytes(b"this is no model")
        status = server.wait_for(20, State.END)
        assert status.status.error_code != OK
        assert status.status.error_message
        assert server.states()[1].state == State.AVAILABLE
        assert server.predict(_request()).model_spec.version.value == 1

    def test_directories_without_a_number_are_passed_over(self, server: Server) -> None:
        for name in ("draft-9", "9.tmp", "-9", "latest"):
            (server.models / "line" / name).mkdir()
        write_line(server.models / "line", 2)
        server.wait_for(2, State.AVAILABLE)
        assert set(server.states()) >= {1, 2}
        assert 9 not in server.states()

    def test_a_failing_warm_up_keeps_a_version_from_serving(self, server: Server) -> None:
        aside = write_line(server.models / "aside", 30)
        write_warm_up(aside, [{"x": X}, {"wrong": X}])
        aside.rename(server.models / "line" / "30")
        assert server.wait_for(30, State.END).status.error_code != OK
        assert server.predict(_request()).model_spec.version.value == 1

    def test_a_model_that_warms_up_serves(self, server: Server) -> None:
        aside = write_line(server.models / "aside", 2)
        write_warm_up(aside, [{"x": X}] * 5)
        aside.rename(server.models / "line" / "2")
        server.wait_for(2, State.AVAILABLE)


class TestModelStatus:
    def test_of_what_is_not_there_is_not_found(self, server: Server) -> None:
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = "unheard"
        code, details = _error(lambda: server.management.GetModelStatus(request, timeout=20))
        assert (code.name, details) == ("NOT_FOUND", "Could not find any versions of model unheard")
        request.model_spec.name = "line"
        request.model_spec.version.value = 77
        code, details = _error(lambda: server.management.GetModelStatus(request, timeout=20))
        assert (code.name, details) == ("NOT_FOUND", "Could not find version 77 of model line")

    def test_needs_a_model_spec(self, server: Server) -> None:
        request = get_model_status_pb2.GetModelStatusRequest()
        code, _ = _error(lambda: server.management.GetModelStatus(request, timeout=20))
        assert code == grpc.StatusCode.INVALID_ARGUMENT


class TestReloadConfig:
    def test_is_the_whole_truth(self, server: Server) -> None:
        write_line(server.models / "other", 5, slope=7)
        assert server.reload({"name": "line"}, {"name": "other"}).status.error_code == OK
        assert server.predict(_request(name="other")).model_spec.version.value == 5
        server.reload({"name": "other"})
        server.wait_for(1, State.END)
        assert _error(lambda: server.predict(_request()))[0] == grpc.StatusCode.NOT_FOUND
        server.reload({"name": "line"})
        server.wait_for(5, State.END, model="other")
        assert server.predict(_request()).model_spec.version.value == 1

    def test_serves_specific_versions_under_labels_and_moves_them(self, server: Server) -> None:
        write_line(server.models / "line", 2, slope=3)
        server.wait_for(2, State.AVAILABLE)
        versions = [1, 2]
        server.reload({"name": "line", "versions": versions})
        server.wait_for(1, State.AVAILABLE)
        server.reload({"name": "line", "versions": versions, "labels": {"stable": 1, "canary": 2}})
        assert server.predict(_request(label="stable")).model_spec.version.value == 1
        assert server.predict(_request(label="canary")).model_spec.version.value == 2
        assert server.predict(_request(version=1)).model_spec.version.value == 1
        assert server.predict(_request()).model_spec.version.value == 2
        server.reload({"name": "line", "versions": versions, "labels": {"stable": 2}})
        assert server.predict(_request(label="stable")).model_spec.version.value == 2
        assert _error(lambda: server.predict(_request(label="canary")))[0] == grpc.StatusCode.INVALID_ARGUMENT

    def test_refuses_a_label_for_a_version_that_is_not_available(self, server: Server) -> None:
        code, details = _error(lambda: server.reload({"name": "line", "labels": {"stable": 9}}))
        assert code == grpc.StatusCode.FAILED_PRECONDITION
        assert "not currently available for inference" in details

    def test_refuses_a_model_listed_twice_and_a_config_that_is_no_list(self, server: Server) -> None:
        code, details = _error(lambda: server.reload({"name": "line"}, {"name": "line"}))
        assert code == grpc.StatusCode.INVALID_ARGUMENT
        assert "multiple times" in details
        request = model_management_pb2.ReloadConfigRequest()
        code, _ = _error(lambda: server.management.HandleReloadConfigRequest(request, timeout=20))
        assert code == grpc.StatusCode.INVALID_ARGUMENT
        assert server.predict(_request()).model_spec.version.value == 1
