import argparse
import asyncio
import sys
from pathlib import Path

import grpc
from rich.console import Console

from cli.errors import CommandError, ExitCode
from cli.interrupts import interrupt_at_once
from cli.rendering.console import shop_console
from demo.demo import Demo
from demo.options import DemoOptions, started_at
from services.common.errors import VitrineError
from services.common.rpc_status import from_rpc_error


def main() -> int:
    """Run the demo.

    Returns:
        The exit code, as of `vitrine`: 0 shown, 130 interrupted before that, anything else an error that was printed.
    """
    parser = argparse.ArgumentParser(prog="python -m demo", description="A real grocer's homepages, end to end.")
    parser.add_argument("--exit", action="store_true", help="end when everything was shown, instead of at Ctrl-C")
    parser.add_argument("--folder", type=Path, default=Path("var/demo"), help="where the demo shop lives")
    parser.add_argument("--picture", type=Path, help="an SVG file to draw a page in")
    arguments = parser.parse_args()
    options = DemoOptions(folder=arguments.folder, exit=arguments.exit, picture=arguments.picture, started=started_at())
    console = shop_console(width=80)
    interrupt_at_once()
    try:
        asyncio.run(Demo(options, console).run())
    except KeyboardInterrupt:
        console.print("\nInterrupted. Nothing is left running; the next run continues from here.")
        return ExitCode.INTERRUPTED
    except CommandError as error:
        console.print(f"\ndemo: {error}")
        return error.exit_code
    except grpc.RpcError as error:
        return _service_error(console, from_rpc_error(error), arguments.folder)
    except VitrineError as error:
        return _service_error(console, error, arguments.folder)
    return ExitCode.OK


def _service_error(console: Console, error: VitrineError, folder: Path) -> int:
    console.print(f"\ndemo: {error} [{error.reason}]")
    console.print(f"  The services' logs: {folder}/state-*/logs")
    return ExitCode.FAILED


if __name__ == "__main__":
    sys.exit(main())
