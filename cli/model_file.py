from pathlib import Path

from cli.errors import CommandError
from cli.exit_codes import ExitCode
from services.ranker.model.config import BehaviorModelConfig
from services.ranker.training.plan import TrainingPlan


def read_plan(file: Path) -> TrainingPlan:
    """Returns the default plan with the model that a file describes.

    Raises:
        CommandError: the file cannot be read, or says what is no model.
    """
    try:
        return TrainingPlan(model=BehaviorModelConfig.read(file))
    except (OSError, ValueError) as error:
        raise CommandError(f"{file} cannot be used as a model: {error}", ExitCode.USAGE) from error
