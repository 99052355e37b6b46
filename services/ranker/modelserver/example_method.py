"""The methods on tf.Examples: what each asks of a signature, and how it answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from numpy.typing import NDArray

from services.common.errors import InvalidArgumentError
from services.ranker.modelserver.example_input import INPUTS
from services.ranker.tf_protos import classification_pb2, regression_pb2, types_pb2

CLASSES: Final = "classes"
SCORES: Final = "scores"
OUTPUTS: Final = "outputs"

Outputs = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class ExampleMethod:
    """One way to ask a model about examples.

    Args:
        name: a signature's `method_name` for it.
        expected: how TensorFlow Serving begins to say that a signature is for another one.
        check: raises InvalidArgumentError where a signature's outputs are not the method's.
        answer: makes the result, a proto, of a number of examples and the signature's outputs; raises the same.
    """

    name: str
    expected: str
    check: Callable[[Any], None]
    answer: Callable[[int, Outputs], Any]

    def check_signature(self, signature: Any) -> None:
        """Raises InvalidArgumentError where the signature is none of this method."""
        if signature.method_name != self.name:
            raise InvalidArgumentError(f"{self.expected} to be {self.name}. Was: {signature.method_name}")
        if set(signature.inputs) != {INPUTS}:
            raise InvalidArgumentError(f"Expected one input Tensor, {INPUTS}; the model has {sorted(signature.inputs)}")
        self.check(signature)


def _check_classification(signature: Any) -> None:
    outputs = set(signature.outputs)
    if not outputs or outputs - {CLASSES, SCORES}:
        raise InvalidArgumentError(
            f'Expected classification signature outputs to contain at least one of "{CLASSES}" or "{SCORES}" and '
            f"nothing else; the model has {sorted(outputs)}"
        )
    for name, dtype in ((CLASSES, types_pb2.DT_STRING), (SCORES, types_pb2.DT_FLOAT)):
        if name in outputs and signature.outputs[name].dtype != dtype:
            raise InvalidArgumentError(
                f"Expected {name} Tensor of {types_pb2.DataType.Name(dtype)}. "
                f"Got: {types_pb2.DataType.Name(signature.outputs[name].dtype)}"
            )


def _check_regression(signature: Any) -> None:
    if set(signature.outputs) != {OUTPUTS}:
        raise InvalidArgumentError(f"Expected one output Tensor, {OUTPUTS}; the model has {sorted(signature.outputs)}")
    if signature.outputs[OUTPUTS].dtype != types_pb2.DT_FLOAT:
        raise InvalidArgumentError(
            f"Expected output Tensor of DT_FLOAT. Got: {types_pb2.DataType.Name(signature.outputs[OUTPUTS].dtype)}"
        )


def _classification(examples: int, outputs: Outputs) -> Any:
    shapes = {outputs[name].shape for name in (CLASSES, SCORES) if name in outputs}
    shape = next(iter(shapes))
    if len(shapes) != 1 or len(shape) != 2 or shape[0] != examples:
        raise InvalidArgumentError(
            f"Expected Tensor shape: [batch_size num_classes] with {examples} examples but got "
            f"{' and '.join(sorted(str(list(one)) for one in shapes))}"
        )
    result = classification_pb2.ClassificationResult()
    for row in range(examples):
        classes = result.classifications.add().classes
        for column in range(shape[1]):
            one = classes.add()
            if CLASSES in outputs:
                one.label = outputs[CLASSES][row, column].decode("utf-8", "replace")
            if SCORES in outputs:
                one.score = outputs[SCORES][row, column]
    return result


def _regression(examples: int, outputs: Outputs) -> Any:
    values = outputs[OUTPUTS]
    if values.shape not in {(examples,), (examples, 1)}:
        raise InvalidArgumentError(
            f"Expected output Tensor shape to be either [{examples}] or [{examples}, 1], but got {list(values.shape)}"
        )
    result = regression_pb2.RegressionResult()
    for value in values.ravel().tolist():
        result.regressions.add(value=value)
    return result


CLASSIFY: Final = ExampleMethod(
    "tensorflow/serving/classify",
    "Expected classification signature method_name",
    _check_classification,
    _classification,
)
REGRESS: Final = ExampleMethod(
    "tensorflow/serving/regress", "Expected a regression signature method_name", _check_regression, _regression
)
METHODS: Final = {method.name: method for method in (CLASSIFY, REGRESS)}
