"""One run of the training, stage by stage: linear scorer, then examples, fit, gate."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from services.common.errors import FailedPreconditionError
from services.common.progress import Progress
from services.common.timestamps import to_millis
from services.ranker.known_items import KnownItems
from services.ranker.quiet_tensorflow import load_tensorflow_quietly
from services.ranker.training.examples.example_builder import ExampleBuilder, ExampleSets
from services.ranker.training.examples.sufficiency import require_candidates, require_examples
from services.ranker.training.examples.training_set import TrainingSet
from services.ranker.training.fitting.calibration import (
    calibration,
    calibration_error,
    cross_calibrated,
    fit_calibration,
)
from services.ranker.training.fitting.linear import fit_linear, linear_scores
from services.ranker.training.fitting.ranking_metrics import BASELINES, baseline_scores, ranking_metrics
from services.ranker.training.item_vectors import ItemVectors
from services.ranker.training.plan import RunOptions, TrainingPlan
from services.ranker.training.publishing.publisher import Publisher
from services.ranker.training.report import TrainingReport
from services.ranker.training.shop.replay import Replay
from services.ranker.training.shop.shop_reader import ShopData
from services.ranker.training.unfinished_run import UnfinishedRun

if TYPE_CHECKING:
    from services.ranker.model.behavior_model import BehaviorModel
    from services.ranker.training.fitting.checkpointing import FitCheckpointing
    from services.ranker.training.fitting.warm_start import ColdStart, WarmStart
    from services.ranker.training.workers.team import Team


EXAMPLES_SHARE: Final = 0.35
"""Of a time budget, for examples."""

FIT_SHARE: Final = 0.75
"""Of a time budget, when the fit ends: the rest is for the gate."""

LEAST_FIT_SHARE: Final = 0.3
"""Of a time budget, what the fit has at least, though examples took longer than they should."""


class TrainingRun:
    """Trains on a shop that was read, and publishes what passes the gate: `publish_linear`, then `fit`. `report` says
    what was done.
    """

    def __init__(
        self,
        shop: ShopData,
        plan: TrainingPlan,
        publisher: Publisher,
        progress: Progress,
        report: TrainingReport,
        *,
        training_set: TrainingSet | None,
        options: RunOptions,
    ) -> None:
        if (options.cluster is not None) != (plan.strategy != "none"):
            raise ValueError("a cluster and a plan with a strategy go together; give both or neither")
        if options.cluster and options.budget_seconds is not None:
            raise ValueError("budget_seconds doesn't go with a cluster: its workers take the same steps")
        self.report = report
        self._shop = shop
        self._plan = plan
        self.publisher = publisher
        self._progress = progress
        self._training_set = training_set
        self._options = options
        self._resumed: UnfinishedRun | None = None
        self._weights: dict[str, float] = {}

    def publish_linear(self) -> None:
        """Publishes the linear scorer, which learns from the newest examples alone: it takes seconds, and pages can be
        ranked with it while the model learns.

        Raises FailedPreconditionError (NOT_ENOUGH_DATA) if there is too little to learn from.
        """
        with self._timed("linear"):
            if self._training_set:  # who was erased since, or refused, teaches nothing any more
                self._training_set.keep_only([self._shop.table.visitors[user] for user in self._shop.users])
            builder = self._begin_builder()
            newest = builder.newest(-(-self._plan.linear_rows // self._plan.draw.slots), self._progress)
            require_examples(len(newest), int(builder.validates()))
            require_candidates(int(newest.real.sum()), 1)
            if not self._point_in_time(builder):
                return
            with self._progress.task("fitting the linear scorer", 1) as task:
                self._weights = fit_linear(newest, self._plan.linear_rows, self._plan.seed)
                if np.isfinite(list(self._weights.values())).all():
                    self.publisher.publish_linear(self._weights, {"examples": len(newest)})
                    self.report.linear_published = True
                task.advance()

    def fit(self) -> None:
        """Does all stages of the model. Raises FailedPreconditionError (NOT_ENOUGH_DATA) if there is too little to
        learn from.
        """
        if self.report.failed_checks:
            return
        started = time.monotonic()
        with self._timed("examples"):
            sets, past_item_nos = self._examples()
        if self.report.failed_checks:
            return  # what is learned from features that know the answer is worth nothing when it serves
        for name in BASELINES:
            self.report.metrics[name] = ranking_metrics(sets.validation, baseline_scores(sets.validation, name))
        self.report.metrics["linear"] = ranking_metrics(sets.validation, linear_scores(sets.validation, self._weights))
        budget = self._options.budget_seconds
        now = time.monotonic()
        ends = None if budget is None else max(started + FIT_SHARE * budget, now + LEAST_FIT_SHARE * budget)
        with self._timed("fit"):
            try:
                model, values, vectors = self._behavior(sets, past_item_nos, self._team(sets, past_item_nos), ends)
            finally:  # it holds what visitors did; where all begin again, the chief writes it again
                self.publisher.shared_fit.unlink(missing_ok=True)
        with self._timed("publish"):
            self._publish(model, sets, values, vectors)
        # Not before: a run that is killed while it exports need not train again.
        self.publisher.checkpoint.unlink(missing_ok=True)
        self.publisher.unfinished.unlink(missing_ok=True)

    def record(self) -> None:
        """Keeps the run record as it is now."""
        self.publisher.record(self.report.version, self.report.to_json())

    def _team(self, sets: ExampleSets, past_item_nos: NDArray[np.int64]) -> "Team | None":
        """Returns the team, with TensorFlow loaded: it takes seconds, which a run without data shouldn't wait for."""
        cluster = self._options.cluster
        if cluster is None:
            load_tensorflow_quietly()
            return None
        if min(self._plan.batch_size, len(sets.training)) < len(cluster.addresses):
            raise FailedPreconditionError(
                f"{len(cluster.addresses)} workers have no part each of batches of {self._plan.batch_size} out of "
                f"{len(sets.training)} examples; start fewer workers or raise batch_size",
                reason="TOO_MANY_WORKERS",
            )
        from services.ranker.training.workers.run_worker import SharedFit

        SharedFit(past_item_nos, sets.training, self._shop.catalog.items).save(self.publisher.shared_fit)
        from services.ranker.training.workers.team import MirroredWorkers

        return MirroredWorkers(cluster)

    def _begin_builder(self) -> ExampleBuilder:
        self._resumed = self._unfinished()
        builder = self._builder(self._resumed)
        if self._resumed and builder.missing():
            self._resumed = None  # its examples are gone: then the newest data is as good
            builder = self._builder(None)
        self._example_builder = builder
        return builder

    def _examples(self) -> tuple[ExampleSets, NDArray[np.int64]]:
        """Returns the examples, and the items of all events before the validation."""
        builder, data, training_set = self._example_builder, self._resumed, self._training_set
        if self._options.budget_seconds is not None:
            builder.limit(EXAMPLES_SHARE * self._options.budget_seconds)
        sets = builder.build(*builder.moments(), self._progress)
        require_examples(len(sets.training), len(sets.validation))
        require_candidates(int(sets.training.real.sum()), int(sets.validation.real.sum()))
        if training_set:
            training_set.prune(builder.needed())
        if data is None:
            data = self._begun(builder)
            if training_set:
                data.save(self.publisher.unfinished)
        self._describe(builder, data)
        self._point_in_time(builder)
        self.report.training_examples, self.report.validation_examples = len(sets.training), len(sets.validation)
        return sets, data.past_item_nos

    def _point_in_time(self, builder: ExampleBuilder) -> bool:
        """Puts down whether features knew what came later; if so, none of the examples are kept."""
        check = builder.check.result()
        self.report.checks = [check]
        if not check.passed and self._training_set:
            self._training_set.prune({})
        return check.passed

    def _builder(self, unfinished: UnfinishedRun | None) -> ExampleBuilder:
        shop = self._shop
        return ExampleBuilder(
            shop.table,
            Replay(shop.table, shop.catalog, shop.attributes),
            shop.catalog.shown_item_nos(),
            self._plan,
            shop.users,
            training_set=self._training_set,
            schedule=unfinished.schedule if unfinished else None,
        )

    def _unfinished(self) -> UnfinishedRun | None:
        """Returns a run that was killed in the fit, with its examples on the disk."""
        if self._training_set is None or not self.publisher.checkpoint.exists():
            return None
        return UnfinishedRun.load(self.publisher.unfinished, to_millis(self.publisher.now))

    def _begun(self, builder: ExampleBuilder) -> UnfinishedRun:
        table = self._shop.table
        past = table.item_nos[table.millis < builder.schedule.validation_cuts[0]]
        item_nos, counts = np.unique(past, return_counts=True)
        first, last = int(table.millis[0]), int(table.millis[-1])
        started = to_millis(self.publisher.now)
        return UnfinishedRun(builder.schedule, started, len(table), first, last, item_nos, counts)

    def _describe(self, builder: ExampleBuilder, data: UnfinishedRun) -> None:
        report = self.report
        report.events = data.events
        report.first_event_millis, report.last_event_millis = data.first_event_millis, data.last_event_millis
        report.training_cuts, report.validation_cuts = builder.schedule.training_cuts, builder.schedule.validation_cuts
        report.made_cuts = tuple(sorted(builder.made))

    def _behavior(
        self, sets: ExampleSets, past_item_nos: NDArray[np.int64], team: "Team | None", ends: float | None
    ) -> tuple["BehaviorModel", NDArray[np.float32], ItemVectors]:
        """Returns the model, calibrated, the values that it gives the validation's candidates, and its item vectors."""
        from services.ranker.training.fitting.checkpointing import FileCheckpointing, fit_key
        from services.ranker.training.fitting.fit import fit_model, probabilities, values_of

        report, plan, items = self.report, self._plan, self._shop.catalog.items
        start = self._start()
        began = "" if report.warm_from is None else str(report.warm_from)
        key = fit_key(plan, report.commit, began if ends is None else f"{began} in a time budget", sets)
        checkpointing: FitCheckpointing = FileCheckpointing(self.publisher.checkpoint, key)
        if self._options.tensorboard:
            from services.ranker.training.fitting.tensorboard_logging import TensorBoardLogging

            checkpointing = TensorBoardLogging(checkpointing, self._options.tensorboard / str(report.version))
        fit = fit_model(past_item_nos, sets, items, plan, self._progress, checkpointing, start, team, ends)
        report.epochs, report.losses, report.cold_reason = fit.epochs, fit.losses, start.reason
        if start.reason:
            report.warm_from = None
        model = fit.model
        model.set_calibration(*fit_calibration(sets.validation, fit.judged))
        # Asked once more, of what will be published: the gate goes by it.
        values = values_of(probabilities(model, sets.validation))
        report.metrics["model"] = ranking_metrics(sets.validation, values)
        crossed = cross_calibrated(sets.validation, fit.judged)
        report.calibration = calibration(sets.validation, crossed)
        report.calibration_error = calibration_error(sets.validation, crossed)
        return model, values, self._factorize(model, sets, past_item_nos)

    def _factorize(self, model: "BehaviorModel", sets: ExampleSets, past_item_nos: NDArray[np.int64]) -> ItemVectors:
        """Gives the retrieval head the factors of who took what before the validation; returns its item vectors."""
        from services.ranker.training.fitting.factorization import Factorization, set_factors
        from services.ranker.training.fitting.retrieval import choose_factor_weight

        table, items = self._shop.table, self._shop.catalog.items
        if model.factors:
            past = table.millis < self.report.validation_cuts[0]
            taken = table.users[past], table.item_nos[past], table.types[past]
            set_factors(model.factors, Factorization.of(*taken, self._plan.model.factors, self._plan.seed), items)
        vectors = ItemVectors.of(model, items)
        self.report.retrieval = choose_factor_weight(model, sets.validation, vectors, past_item_nos)
        self.report.factor_weight = float(model.factor_weight)
        return vectors

    def _start(self) -> "ColdStart | WarmStart":
        from services.ranker.training.fitting.warm_start import ColdStart, WarmStart

        stable = self.publisher.registry.stable()
        if self._options.cold:
            return ColdStart("asked for")
        if stable is None:
            return ColdStart("no version serves")
        self.report.warm_from = int(stable.name)
        return WarmStart(stable, self._shop.catalog.items)

    def _publish(
        self, model: "BehaviorModel", sets: ExampleSets, values: NDArray[np.float32], vectors: ItemVectors
    ) -> None:
        from services.ranker.model.export import export_model
        from services.ranker.training.publishing.gate import check_against_serving, check_model, check_vectors

        report, publisher, items = self.report, self.publisher, self._shop.catalog.items
        with self._progress.task("exporting the model", 3) as task:
            example = sets.validation.rank_inputs(slice(1))
            draft = publisher.draft(lambda folder: export_model(model, folder, example, KnownItems.of(items)))
            try:
                task.advance()
                report.checks += check_model(
                    draft,
                    model,
                    sets.validation,
                    report.metrics["model"],
                    report.metrics["popularity"],
                    budget_seconds=self._plan.latency_budget_seconds,
                )
                report.checks.append(check_against_serving(publisher.registry.stable(), sets.validation, values))
                report.checks.append(check_vectors(vectors.vectors))
                task.advance()
                if not report.failed_checks:
                    publisher.publish(draft, report.version, vectors)
                    report.published = True
                task.advance()
            finally:
                publisher.discard(draft)

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        with timed(self.report.seconds, stage):
            yield


@contextmanager
def timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    """Records the seconds of a stage."""
    started = time.perf_counter()
    yield
    seconds[stage] = round(time.perf_counter() - started, 2)
