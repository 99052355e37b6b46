"""The training job: from a shop's log to published versions of model, item vectors and linear scorer."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import numpy as np

from services.common.channels import open_channel
from services.common.clock import Clock
from services.common.progress import Progress
from services.common.signing_key import load_signing_key
from services.ranker.inputs.tensors import encode_item_inputs
from services.ranker.known_items import KnownItems
from services.ranker.quiet_tensorflow import load_tensorflow_quietly
from services.ranker.training.baselines import BASELINES, baseline_scores
from services.ranker.training.calibration import calibration, calibration_error, fit_calibration
from services.ranker.training.canary import check_loaded
from services.ranker.training.check import Check
from services.ranker.training.commit import source_commit
from services.ranker.training.example_builder import ExampleBuilder, ExampleSets
from services.ranker.training.item_vectors import ItemVectors
from services.ranker.training.linear import fit_linear, linear_scores
from services.ranker.training.model_registry import ModelRegistry
from services.ranker.training.plan import TrainingPlan
from services.ranker.training.publisher import Publisher
from services.ranker.training.ranking_metrics import ranking_metrics
from services.ranker.training.replay import Replay
from services.ranker.training.report import TrainingReport
from services.ranker.training.settings import TrainingSettings
from services.ranker.training.shop_reader import ShopData, read_shop
from services.ranker.training.sufficiency import require_examples, require_shop
from services.ranker.training.training_set import TrainingSet


async def train(
    settings: TrainingSettings,
    clock: Clock,
    progress: Progress,
    plan: TrainingPlan | None = None,
    *,
    promote: bool = True,
) -> TrainingReport:
    """Trains on the shop behind the settings' addresses and publishes below its state directory. What passes the gate
    is labelled canary and, once the model server has it loaded, stable; without `promote` it stays a canary.

    Raises FailedPreconditionError (NOT_ENOUGH_DATA) where there is too little to learn from, and grpc.RpcError where a
    service cannot be read; then nothing is published. A model that does not pass the gate is not published either: the
    report says why, and the version before goes on serving.
    """
    started = time.perf_counter()
    events, features = open_channel(settings.events_address), open_channel(settings.features_address)
    try:
        shop = await read_shop(events, features, progress)
    finally:
        await events.close()
        await features.close()
    seconds = {"read": round(time.perf_counter() - started, 2)}
    return await train_and_promote(
        shop, settings, clock, progress, plan or TrainingPlan(), seconds=seconds, promote=promote
    )


async def train_and_promote(
    shop: ShopData,
    settings: TrainingSettings,
    clock: Clock,
    progress: Progress,
    plan: TrainingPlan,
    *,
    seconds: dict[str, float],
    promote: bool,
) -> TrainingReport:
    """Does what `train` does with a shop that was read; `seconds` (per stage) is added to."""
    publisher = Publisher(settings.state_directory, clock.now())
    training_set = TrainingSet(publisher.training_set, load_signing_key(settings))
    report = train_on(shop, plan, publisher, progress, seconds, training_set=training_set)
    if report.published and promote:
        with _timed(seconds, "promotion"):
            await _promote(report, publisher.registry, settings, progress)
        publisher.record(report.version, report.to_json())
    return report


async def _promote(
    report: TrainingReport, registry: ModelRegistry, settings: TrainingSettings, progress: Progress
) -> None:
    if settings.canary_seconds:
        async with open_channel(settings.model_server_address) as models:
            with progress.task("trying the model", 1) as task:
                check = await check_loaded(models, report.version, settings.canary_seconds)
                task.advance()
        report.checks.append(check)
        if not check.passed:
            return
    registry.promote(report.version)
    report.promoted = True


def train_on(
    shop: ShopData,
    plan: TrainingPlan,
    publisher: Publisher,
    progress: Progress,
    seconds: dict[str, float],
    *,
    training_set: TrainingSet | None = None,
) -> TrainingReport:
    """Trains on what was read and publishes; errors are those of `train`. `seconds` (per stage) is added to. What
    `training_set` has of the examples is not made again.
    """
    require_shop(shop)
    report = TrainingReport(
        version=publisher.next_version(),
        events=len(shop.table),
        users=len(shop.users),
        items=shop.catalog.items.item_count,
        first_event_millis=int(shop.table.millis[0]),
        last_event_millis=int(shop.table.millis[-1]),
        parameters=asdict(plan),
        commit=source_commit(),
        seconds=seconds,
    )
    with _timed(seconds, "examples"):
        sets, first_validation, check = _examples(shop, plan, training_set, progress, report)
    report.checks.append(check)
    report.training_examples, report.validation_examples = len(sets.training), len(sets.validation)
    if not check.passed:
        # What is learned from features that know the answer is worth nothing when it serves.
        publisher.record(report.version, report.to_json())
        return report
    for name in BASELINES:
        report.metrics[name] = ranking_metrics(sets.validation, baseline_scores(sets.validation, name))
    with _timed(seconds, "linear"), progress.task("training the linear scorer", 1) as task:
        _linear(sets, plan, publisher, report)
        task.advance()
    with _timed(seconds, "model"):
        _behavior(shop, sets, first_validation, plan, publisher, progress, report)
    publisher.record(report.version, report.to_json())
    return report


def _examples(
    shop: ShopData, plan: TrainingPlan, training_set: TrainingSet | None, progress: Progress, report: TrainingReport
) -> tuple[ExampleSets, int, Check]:
    """Returns the examples, where the validation begins, and whether no feature knew what came later."""
    if training_set:  # who was erased since, or refused, teaches nothing any more
        training_set.keep_only([shop.table.visitors[user] for user in shop.users])
    replay = Replay(shop.table, shop.catalog, shop.attributes)
    builder = ExampleBuilder(
        shop.table, replay, shop.catalog.shown_item_nos(), plan, shop.users, training_set=training_set
    )
    sets = builder.build(*builder.moments(), progress)
    require_examples(len(sets.training), len(sets.validation))
    check = builder.check.result()
    if training_set:
        training_set.prune(builder.needed() if check.passed else {})
    report.training_cuts, report.validation_cuts = builder.schedule.training_cuts, builder.schedule.validation_cuts
    report.made_cuts = tuple(builder.made)
    return sets, builder.schedule.validation_cuts[0], check


def _linear(sets: ExampleSets, plan: TrainingPlan, publisher: Publisher, report: TrainingReport) -> None:
    weights = fit_linear(sets.training, plan.linear_rows, plan.seed)
    report.metrics["linear"] = ranking_metrics(sets.validation, linear_scores(sets.validation, weights))
    if np.isfinite(list(weights.values())).all():
        publisher.publish_linear(weights, asdict(report.metrics["linear"]))
        report.linear_published = True


def _behavior(  # noqa: PLR0917  # one stage of the run, with what the stages before made
    shop: ShopData,
    sets: ExampleSets,
    first_validation: int,
    plan: TrainingPlan,
    publisher: Publisher,
    progress: Progress,
    report: TrainingReport,
) -> None:
    # TensorFlow takes seconds to load: a run that ends for want of data does not wait for it.
    load_tensorflow_quietly()
    from services.ranker.model.export import encode_items, export_model
    from services.ranker.training.checkpoint import Checkpoint, CheckpointedCourse, fit_key
    from services.ranker.training.fit import fit_model, probabilities, values_of
    from services.ranker.training.gate import check_model
    from services.ranker.training.serving_check import check_against_serving

    items = shop.catalog.items
    past = shop.table.item_nos[shop.table.millis < first_validation]
    checkpoint = Checkpoint(publisher.checkpoint, fit_key(plan, report.commit, sets))
    fit = fit_model(past, sets, items, plan, progress, CheckpointedCourse(checkpoint))
    model, report.epochs, report.losses = fit.model, fit.epochs, fit.losses
    model.set_calibration(*fit_calibration(sets.validation, fit.judged))
    judged = probabilities(model, sets.validation)
    report.metrics["model"] = ranking_metrics(sets.validation, values_of(judged))
    report.calibration = calibration(sets.validation, judged)
    report.calibration_error = calibration_error(sets.validation, judged)
    with progress.task("exporting the model", 3) as task:
        example = {name: array[:1] for name, array in sets.validation.inputs.items()}
        draft = publisher.draft(lambda folder: export_model(model, folder, example, KnownItems.of(items)))
        try:
            task.advance()
            report.checks += check_model(
                draft,
                model,
                sets.validation,
                report.metrics["model"],
                report.metrics["popularity"],
                budget_seconds=plan.latency_budget_seconds,
            )
            report.checks.append(check_against_serving(publisher.registry.stable(), sets.validation, values_of(judged)))
            task.advance()
            if not report.failed_checks:
                item_nos = items.known_item_nos()
                vectors = encode_items(model, encode_item_inputs(items, item_nos))
                publisher.publish(draft, report.version, ItemVectors.of(items, item_nos, vectors))
                report.published = True
            task.advance()
        finally:
            publisher.discard(draft)
    checkpoint.remove()  # not before: a run that is killed while it exports need not train again


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[stage] = round(time.perf_counter() - started, 2)
