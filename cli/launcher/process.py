from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProcessSpecification:
    """One process of the shop, as the launcher starts it.

    Args:
        name: the word that commands know it by, and the name of its log file.
        module: what `python -m` runs.
        port: where it listens unless `VITRINE_<variable>_PORT` says otherwise.
        variable: the word that stands for it in the names of environment variables.
    """

    name: str
    module: str
    port: int
    variable: str

    @property
    def port_variable(self) -> str:
        """The environment variable that sets the port."""
        return f"VITRINE_{self.variable}_PORT"

    @property
    def address_variable(self) -> str:
        """The environment variable by which the others find it."""
        return f"VITRINE_{self.variable}_ADDRESS"


PROCESSES = (
    ProcessSpecification("modelserver", "services.ranker.modelserver", 8500, "MODEL_SERVER"),
    ProcessSpecification("events", "services.events", 7101, "EVENTS"),
    ProcessSpecification("features", "services.features", 7102, "FEATURES"),
    ProcessSpecification("candidates", "services.candidates", 7103, "CANDIDATES"),
    ProcessSpecification("ranker", "services.ranker", 7104, "RANKER"),
    ProcessSpecification("homepage", "services.homepage", 7105, "HOMEPAGE"),
)
"""Every process of a shop, the slowest starter first: they start side by side and find each other when they are up."""


def specification(name: str) -> ProcessSpecification:
    """The process of that name.

    Raises:
        KeyError: there is none.
    """
    for process in PROCESSES:
        if process.name == name:
            return process
    raise KeyError(name)
