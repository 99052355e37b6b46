from typing import Any

import grpc
import pytest

from services.ranker.tf_protos import classification_pb2, inference_pb2, regression_pb2
from tests.support.serving_client import Server, error_of


def add_examples(examples: Any, *values: float | None) -> None:
    for value in values:
        example = examples.add()
        if value is not None:
            example.features.feature["x"].float_list.value.append(value)


def inference_request(*names: str) -> Any:
    request = inference_pb2.MultiInferenceRequest()
    for name in names:
        task = request.tasks.add(method_name=f"tensorflow/serving/{name}")
        task.model_spec.name, task.model_spec.signature_name = "line", name
    return request


class TestMethodsOnExamples:
    def test_are_refused_for_a_model_without_such_signatures(self, server: Server) -> None:
        classify = classification_pb2.ClassificationRequest()
        regress = regression_pb2.RegressionRequest()
        for call, request in ((server.predictions.Classify, classify), (server.predictions.Regress, regress)):
            request.model_spec.name = "line"
            request.input.example_list.examples.add()
            code, details = error_of(lambda call=call, request=request: call(request, timeout=20))  # type: ignore[misc]
            assert code == grpc.StatusCode.INVALID_ARGUMENT
            assert "tensorflow/serving/predict" in details

    def test_classify_names_classes_with_their_scores(self, server: Server) -> None:
        request = classification_pb2.ClassificationRequest()
        request.model_spec.name, request.model_spec.signature_name = "line", "classify"
        add_examples(request.input.example_list.examples, 1.0, 3.0)
        response = server.predictions.Classify(request, timeout=20)
        found = [[(float(one.label), one.score) for one in row.classes] for row in response.result.classifications]
        assert found == [[(1.0, 2.0)], [(3.0, 6.0)]]
        assert (response.model_spec.signature_name, response.model_spec.version.value) == ("classify", 1)

    def test_regress_answers_a_value_for_each_example(self, server: Server) -> None:
        request = regression_pb2.RegressionRequest()
        request.model_spec.name, request.model_spec.signature_name = "line", "regress"
        add_examples(request.input.example_list.examples, 1.0, 2.5, -4.0)
        response = server.predictions.Regress(request, timeout=20)
        assert [one.value for one in response.result.regressions] == [2.0, 5.0, -8.0]

    def test_a_context_belongs_to_each_example_and_an_examples_own_feature_wins(self, server: Server) -> None:
        request = regression_pb2.RegressionRequest()
        request.model_spec.name, request.model_spec.signature_name = "line", "regress"
        both = request.input.example_list_with_context
        both.context.features.feature["x"].float_list.value.append(10.0)
        add_examples(both.examples, 1.0, None)
        response = server.predictions.Regress(request, timeout=20)
        assert [one.value for one in response.result.regressions] == [2.0, 20.0]

    def test_multi_inference_asks_several_signatures_about_the_same_examples(self, server: Server) -> None:
        request = inference_request("regress", "classify")
        add_examples(request.input.example_list.examples, 3.0)
        regression, classification = server.predictions.MultiInference(request, timeout=20).results
        assert regression.regression_result.regressions[0].value == 6.0
        assert classification.classification_result.classifications[0].classes[0].score == 6.0
        assert classification.model_spec.signature_name == "classify"

    @pytest.mark.parametrize(("method", "name"), [("Classify", "regress"), ("Regress", "classify")])
    def test_a_signature_of_the_other_method_is_refused(self, server: Server, method: str, name: str) -> None:
        kinds = {"Classify": classification_pb2.ClassificationRequest, "Regress": regression_pb2.RegressionRequest}
        request = kinds[method]()
        request.model_spec.name, request.model_spec.signature_name = "line", name
        add_examples(request.input.example_list.examples, 3.0)
        code, details = error_of(lambda: getattr(server.predictions, method)(request, timeout=20))
        assert code == grpc.StatusCode.INVALID_ARGUMENT
        assert f"Was: tensorflow/serving/{name}" in details

    def test_no_example_is_refused(self, server: Server) -> None:
        request = regression_pb2.RegressionRequest()
        request.model_spec.name, request.model_spec.signature_name = "line", "regress"
        code, details = error_of(lambda: server.predictions.Regress(request, timeout=20))
        assert code == grpc.StatusCode.INVALID_ARGUMENT
        assert "Input is empty" in details

    def test_an_example_that_cannot_be_parsed_is_the_callers_fault(self, server: Server) -> None:
        request = regression_pb2.RegressionRequest()
        request.model_spec.name, request.model_spec.signature_name = "line", "regress"
        example = request.input.example_list.examples.add()
        example.features.feature["x"].bytes_list.value.append(b"no number")
        code, _ = error_of(lambda: server.predictions.Regress(request, timeout=20))
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
        request = inference_request(*names)
        request.tasks[1].model_spec.name = model
        add_examples(request.input.example_list.examples, 3.0)
        code, details = error_of(lambda: server.predictions.MultiInference(request, timeout=20))
        assert code == grpc.StatusCode.INVALID_ARGUMENT
        assert words in details

    def test_multi_inference_knows_no_other_method(self, server: Server) -> None:
        request = inference_pb2.MultiInferenceRequest()
        task = request.tasks.add(method_name="tensorflow/serving/predict")
        task.model_spec.name = "line"
        request.input.example_list.examples.add()
        code, details = error_of(lambda: server.predictions.MultiInference(request, timeout=20))
        assert code == grpc.StatusCode.UNIMPLEMENTED
        assert "Unsupported signature method_name" in details
