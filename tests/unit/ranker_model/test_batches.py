import numpy as np

from services.ranker.training.examples.example_builder import ExampleSets
from services.ranker.training.fitting.epochs import batches


def test_the_batches_are_those_of_the_order(sets: ExampleSets) -> None:
    examples = sets.training
    order = np.random.default_rng(5).permutation(len(examples))
    made = list(batches(examples, np.array_split(order, 7)).as_numpy_iterator())
    wanted = [examples.batch(places) for places in np.array_split(order, 7)]
    assert len(made) == 7
    for one, other in zip(made, wanted, strict=True):
        assert one.keys() == other.keys()
        assert all(one[name].dtype == other[name].dtype and np.array_equal(one[name], other[name]) for name in one)
    assert sum(len(batch["labels"]) for batch in made) == len(examples)
