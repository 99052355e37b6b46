import asyncio
import json
from enum import StrEnum
from typing import Annotated

import typer

from cli.context import CommandContext, command_context

app = typer.Typer(
    help="List, promote and roll back versions of the behavior model.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

WaitOption = Annotated[
    float, typer.Option("--wait", min=0, metavar="SECONDS", help="How long to wait for the model server to follow.")
]


class Label(StrEnum):
    """The labels that a version can be given."""

    STABLE = "stable"
    CANARY = "canary"


@app.command("list")
def list_(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for scripts.")] = False,
) -> None:
    """List every version with its labels, its quality, and why it was refused, if it was."""
    from cli.models import served_version
    from cli.rendering.tables import render_models
    from services.ranker.training.publishing.model_registry import ModelRegistry

    command = command_context(context)
    versions = ModelRegistry(command.state_directory).versions()
    served = asyncio.run(served_version(command.shop))
    if as_json:
        rows = [
            {
                "version": version.number,
                "labels": version.labels,
                "is_there": version.is_there,
                "served": version.number == served,
                "refusals": version.refusals,
                "record": version.record,
            }
            for version in versions
        ]
        command.console.print_json(json.dumps({"versions": rows}))
    else:
        command.console.print(render_models(versions, served))


@app.command("promote")
def promote(
    context: typer.Context,
    version: Annotated[int, typer.Argument(min=1, metavar="VERSION", help="An available version.")],
    label: Annotated[Label, typer.Option(help="canary: loaded beside the stable one.")] = Label.STABLE,
    wait: WaitOption = 30.0,
) -> None:
    """Rank every page with a version (stable), or load it as the canary."""
    from services.ranker.training.publishing.model_registry import ModelRegistry

    command = command_context(context)
    registry = ModelRegistry(command.state_directory)
    move = registry.promote if label is Label.STABLE else registry.try_out
    move(version)
    command.console.print(f"version {version} is {label.value} now")
    _follow(command, label.value, version, wait)


@app.command("rollback")
def rollback(context: typer.Context, wait: WaitOption = 30.0) -> None:
    """Go back to the version that was stable before."""
    from services.ranker.training.publishing.model_registry import ModelRegistry

    command = command_context(context)
    former, version = ModelRegistry(command.state_directory).rollback()
    command.console.print(f"version {version} is stable again, in place of {former}")
    _follow(command, Label.STABLE.value, version, wait)


def _follow(command: CommandContext, label: str, version: int, seconds: float) -> None:
    from cli.models import wait_until_served

    if not asyncio.run(wait_until_served(command.shop, label, version, seconds)):
        command.messages.print(
            f"vitrine: the model server does not answer with version {version} yet: it follows when it reads "
            f"{command.state_directory / 'models' / 'models.config'}. See `vitrine status` and docs/operations.md."
        )
