import keras
import pytest

from bench.sequences.weight_average import WeightAverage


def test_the_average_follows_by_its_decay_and_is_lent_for_a_block() -> None:
    variable = keras.Variable([0.0, 8.0])
    average = WeightAverage([variable], decay=0.5)
    expected = variable.numpy()
    for step in range(1, 41):
        variable.assign([float(step), -1.0])
        average.update()
        decay = min(0.5, step / (step + 10))
        expected = decay * expected + (1 - decay) * variable.numpy()
    with average.applied():
        assert variable.numpy() == pytest.approx(expected, abs=1e-4)
    assert variable.numpy().tolist() == [40.0, -1.0]


def test_the_trained_weights_come_back_where_the_block_fails() -> None:
    variable = keras.Variable(1.0)
    average = WeightAverage([variable], decay=0.5)
    variable.assign(2.0)
    with pytest.raises(RuntimeError), average.applied():
        raise RuntimeError("a judge failed")
    assert float(variable.numpy()) == 2.0
