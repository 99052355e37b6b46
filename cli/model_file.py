import dataclasses
from pathlib import Path

from cli.errors import CommandError, ExitCode
from services.ranker.model.config import BehaviorModelConfig
from services.ranker.training.plan import TrainingPlan


def read_plan(model: Path | None, plan: Path | None = None) -> TrainingPlan:
    """Returns the plan that a file describes, or the default one, with the model that another describes.

    Raises:
        CommandError: a file cannot be read, or says what is no plan or no model.
    """
    try:
        made = TrainingPlan.read(plan) if plan is not None else TrainingPlan()
    except (OSError, ValueError) as error:
        raise CommandError(f"{plan} cannot be used as a plan: {error}", ExitCode.USAGE) from error
    try:
        return dataclasses.replace(made, model=BehaviorModelConfig.read(model)) if model is not None else made
    except (OSError, ValueError) as error:
        raise CommandError(f"{model} cannot be used as a model: {error}", ExitCode.USAGE) from error
