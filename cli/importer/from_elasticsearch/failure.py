from typing import Final

from elasticsearch import ApiError, AuthenticationException, AuthorizationException, NotFoundError, SSLError

from cli.errors import CommandError, ExitCode
from services.candidates.settings import CandidatesSettings

_OVERLOADED: Final = 429
_FAILED: Final = 500
# What a point in time that was lost is called, as where its node was started anew.
_POINT_LOST: Final = "search_context_missing_exception"


def passes(error: Exception) -> bool:
    """Whether the same call may well succeed a little later."""
    if isinstance(error, ApiError):
        status = error.status_code
        return status == _OVERLOADED or status >= _FAILED or _POINT_LOST in str(error.body)
    return not isinstance(error, SSLError)


def failure(index: str, error: Exception) -> CommandError:
    """What is wrong and what to do, for the person at the terminal."""
    url, key, name, authorities = (
        CandidatesSettings.variable(f"elasticsearch_{field}") for field in ("url", "api_key", "username", "ca_certs")
    )
    match error:
        case AuthenticationException() | AuthorizationException():
            return CommandError(
                f"Elasticsearch does not let {index} be read ({error}): set {key}, or {name} and its password",
                ExitCode.USAGE,
            )
        case NotFoundError():
            return CommandError(
                f"Elasticsearch has no index {index} ({error}); look at its name, and at {url}", ExitCode.USAGE
            )
        case SSLError():
            return CommandError(
                f"Elasticsearch's certificate is not trusted ({error}): set {authorities} to its authorities' PEM file",
                ExitCode.USAGE,
            )
        case ApiError() if not passes(error):
            return CommandError(f"Elasticsearch refuses to have {index} read: {error}", ExitCode.FAILED)
        case _:
            return CommandError(
                f"Elasticsearch does not answer ({error}). What is copied already stays: run the same import again and "
                "it goes on from there.",
                ExitCode.NOT_RUNNING,
            )
