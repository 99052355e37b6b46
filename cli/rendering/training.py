from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.rendering.tables import render_built
from cli.training import TrainedShop
from services.ranker.training.report import TrainingReport


def render_training(trained: TrainedShop) -> RenderableType:
    """What a training used and found, and whether its model serves."""
    report = trained.report
    table = Table("ranking", title="On the validation's visits", box=None, pad_edge=False, title_justify="left")
    table.add_column("recall@10", justify="right")
    table.add_column("NDCG@10", justify="right")
    for name, metrics in report.metrics.items():
        table.add_row(name, f"{metrics.recall:.4f}", f"{metrics.ndcg:.4f}")
    seconds = ", ".join(f"{stage} {value:.0f} s" for stage, value in report.seconds.items())
    parts: list[RenderableType] = [
        Text(f"{report.events:,} events of {report.users:,} users and {report.items:,} items: {seconds}"),
        Text(_origin(report)),
        table,
    ]
    if report.retrieval:
        found = ", ".join(f"{name} {recall:.4f}" for name, recall in report.retrieval.items())
        parts.append(Text(f"New items of the visits among the 100 found of all: {found}"))
    if report.calibration_error:
        errors = ", ".join(
            f"{action} {error:.4f} (expected over observed {report.calibration[action]:.2f})"
            for action, error in report.calibration_error.items()
        )
        parts.append(Text(f"Expected calibration error of the probabilities: {errors}"))
    parts.append(render_built(trained.candidates))
    parts.append(Text(_outcome(report)))
    return Group(*parts)


def _origin(report: TrainingReport) -> str:
    cuts = len(report.training_cuts) + len(report.validation_cuts)
    examples = f"Examples of {cuts} cuts, {len(report.made_cuts)} of them new"
    if report.warm_from is not None:
        return f"{examples}; trained from the weights of version {report.warm_from}."
    return f"{examples}; trained from scratch: {report.cold_reason}."


def _outcome(report: TrainingReport) -> str:
    failed = "; ".join(str(check) for check in report.failed_checks)
    promote = f"`vitrine models promote {report.version}`"
    if report.promoted:
        return f"The behavior model serves as version {report.version}."
    if report.published and failed:
        stays = f"Version {report.version} stays a canary and the one before it serves"
        return f"{stays}: {failed}. {promote} serves it anyway."
    if report.published:
        return f"The behavior model is published as canary {report.version}: {promote} serves it."
    return f"The behavior model isn't published, and what served before keeps serving: {failed}"
