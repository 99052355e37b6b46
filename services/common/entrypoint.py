"""How a service starts: `python -m services.<name>`."""

import argparse
import asyncio
import os
import secrets
import sys
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import structlog
from pydantic import ValidationError

from services.common.application import Application
from services.common.errors import VitrineError
from services.common.process import compute_on_one_thread, exit_with_parent
from services.common.server import serve
from services.common.settings import ServiceSettings, unknown_variables
from services.common.settings_help import render_faults, render_help
from services.common.signing_key import load_signing_key
from services.common.telemetry.logging import configure_logging
from services.common.telemetry.tracing import configure_tracing, shut_down_tracing

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
EXIT_SETTINGS: Final = 2

# A thread that waited for the disk or computed outside the interpreter lock gets the lock back from a busy event loop
# after up to one switch interval, 5 ms by default. That happens several times per call, and is too long for answers in
# milliseconds (`make bench-events`, `make bench-features`, `make bench-candidates`).
_SWITCH_SECONDS: Final = 0.0005

_Settings = TypeVar("_Settings", bound=ServiceSettings)


def run(
    settings_cls: type[_Settings],
    build: Callable[[_Settings], Application],
    arguments: Sequence[str] | None = None,
) -> int:
    """Runs a service until SIGTERM or SIGINT; returns the exit code: 0 stopped, 1 failed, 2 wrong settings.

    Used as `raise SystemExit(run(EventsSettings, build))` in services/<name>/__main__.py.
    """
    options = _parser(settings_cls).parse_args(arguments)
    if options.exit_with_parent is not None:
        exit_with_parent(options.exit_with_parent)
    try:
        settings = settings_cls()
    except ValidationError as error:
        print(render_faults(settings_cls, error), file=sys.stderr)  # noqa: T201  # there's no log yet
        return EXIT_SETTINGS
    try:
        configure_logging(settings_cls.service_name(), settings.log_level, secret=_log_secret(settings))
        configure_tracing(settings_cls.service_name(), settings.otlp_endpoint)
        _warn_of_unknown_variables(settings_cls)
        application = build(settings)
        compute_on_one_thread()
        sys.setswitchinterval(_SWITCH_SECONDS)
        asyncio.run(serve(settings, application))
    except VitrineError as error:
        # The configuration is wrong, and the message says what to do: a traceback would only hide it.
        structlog.get_logger("vitrine.entrypoint").error("cannot serve", reason=error.reason, error=error.message)
        return EXIT_FAILED
    except KeyboardInterrupt:  # Ctrl-C before the server handles signals
        return EXIT_OK
    except Exception:  # noqa: BLE001  # the log is the only place to see it
        structlog.get_logger("vitrine.entrypoint").exception("cannot serve")
        return EXIT_FAILED
    finally:
        shut_down_tracing()
    return EXIT_OK


def _parser(settings_cls: type[ServiceSettings]) -> argparse.ArgumentParser:
    name = settings_cls.service_name()
    parser = argparse.ArgumentParser(
        prog=f"python -m services.{name}",
        description=f"Runs the {name} service until SIGTERM or Ctrl-C. Exits with 0 stopped, 1 failed, 2 bad settings.",
        epilog=render_help(settings_cls),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--exit-with-parent",
        nargs="?",
        type=int,
        const=0,
        metavar="PID",
        help="stop when the process that started this one (PID; by default the current parent) is gone; Linux only",
    )
    return parser


def _log_secret(settings: ServiceSettings) -> bytes:
    """Returns the key of the pseudonyms in the log: the same in all services if they can share one."""
    try:
        return load_signing_key(settings)[:64]
    except OSError:  # no writable state directory, which this service doesn't need
        return secrets.token_bytes(32)


def _warn_of_unknown_variables(settings_cls: type[ServiceSettings]) -> None:
    for name, nearest in unknown_variables(settings_cls, os.environ).items():
        structlog.get_logger("vitrine.entrypoint").warning("unknown setting", variable=name, did_you_mean=nearest)
