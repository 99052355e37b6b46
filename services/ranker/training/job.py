"""The training job: from a shop's log to published versions of model, item vectors and linear scorer."""

import time
from dataclasses import asdict

from services.common.channels import open_channel
from services.common.clock import Clock
from services.common.progress import Progress
from services.common.signing_key import load_signing_key
from services.ranker.texts.text_vectors import open_texts
from services.ranker.training.examples.sufficiency import require_shop
from services.ranker.training.examples.training_set import TrainingSet, training_set_folder
from services.ranker.training.plan import RunOptions, TrainingPlan
from services.ranker.training.publishing.canary import check_loaded
from services.ranker.training.publishing.model_registry import ModelRegistry
from services.ranker.training.publishing.publisher import Publisher
from services.ranker.training.report import TrainingReport, source_commit
from services.ranker.training.settings import TrainingSettings
from services.ranker.training.shop.catalog import TrainingCatalog
from services.ranker.training.shop.shop_reader import ShopData, ShopReader, read_shop
from services.ranker.training.training_run import TrainingRun, timed


async def train(
    settings: TrainingSettings,
    clock: Clock,
    progress: Progress,
    plan: TrainingPlan | None = None,
    *,
    promote: bool = True,
) -> TrainingReport:
    """Trains on the shop behind the settings' addresses and publishes below its state directory. A model that passes
    the gate is labeled canary and, once the model server has loaded it, stable; without `promote` it stays a canary.

    Raises FailedPreconditionError (NOT_ENOUGH_DATA) if there is too little to train on, and grpc.RpcError if a service
    can't be read; then nothing is published. A model that doesn't pass the gate isn't published either: the report says
    why, and the previous version goes on serving.
    """
    plan, started = plan or TrainingPlan(), time.perf_counter()
    reader = shop_reader(settings, clock, plan)
    events, features = open_channel(settings.events_address), open_channel(settings.features_address)
    try:
        shop = await read_shop(events, features, progress, reader)
    finally:
        await events.close()
        await features.close()
    seconds = {"read": round(time.perf_counter() - started, 2)}
    run = training_run(shop, settings, clock, progress, plan, seconds=seconds)
    run.publish_linear()
    return await fit_and_promote(run, settings, progress, promote=promote)


def shop_reader(settings: TrainingSettings, clock: Clock, plan: TrainingPlan) -> ShopReader:
    """Returns a reader of the shop's data that the plan's model needs. Raises FailedPreconditionError
    (TEXT_ENCODER_NOT_INSTALLED).
    """
    catalog = TrainingCatalog(plan.model.item_vectors)
    return ShopReader(catalog, open_texts(settings.state_directory, catalog.items, clock))


def training_run(
    shop: ShopData,
    settings: TrainingSettings,
    clock: Clock,
    progress: Progress,
    plan: TrainingPlan,
    *,
    seconds: dict[str, float],
    options: RunOptions | None = None,
) -> TrainingRun:
    """Returns the run on a shop that was read; `seconds` (per stage) is added to. Its `publish_linear` comes first,
    then `fit_and_promote`; errors are those of `train`.
    """
    publisher = Publisher(settings.state_directory, clock.now())
    training_set = TrainingSet(training_set_folder(settings.state_directory), load_signing_key(settings))
    return begin_run(shop, plan, publisher, progress, seconds, training_set=training_set, options=options)


async def fit_and_promote(
    run: TrainingRun, settings: TrainingSettings, progress: Progress, *, promote: bool = True
) -> TrainingReport:
    """Trains the model and publishes it, as `train` does."""
    report = run.report
    run.fit()
    run.record()
    if report.published and promote:
        with timed(report.seconds, "promotion"):
            await _promote(report, run.publisher.registry, settings, progress)
        run.record()
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
    options: RunOptions | None = None,
) -> TrainingReport:
    """Trains on a shop's data and publishes; errors are those of `train`. Adds to `seconds` (per stage). Examples that
    `training_set` has aren't made again.
    """
    run = begin_run(shop, plan, publisher, progress, seconds, training_set=training_set, options=options)
    run.publish_linear()
    run.fit()
    run.record()
    return run.report


def begin_run(
    shop: ShopData,
    plan: TrainingPlan,
    publisher: Publisher,
    progress: Progress,
    seconds: dict[str, float],
    *,
    training_set: TrainingSet | None,
    options: RunOptions | None,
) -> TrainingRun:
    """Returns the run of `train_on`, of which nothing is done yet."""
    require_shop(shop)
    report = TrainingReport(
        version=publisher.next_version(),
        events=len(shop.table),
        users=len(shop.users),
        items=shop.catalog.items.item_count,
        parameters=asdict(plan),
        commit=source_commit(),
        seconds=seconds,
    )
    return TrainingRun(
        shop, plan, publisher, progress, report, training_set=training_set, options=options or RunOptions()
    )
