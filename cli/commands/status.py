import json
from typing import Annotated

import typer
from rich.table import Table

from cli.context import command_context
from cli.errors import ExitCode


def status(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for scripts.")] = False,
) -> None:
    """Show health, address and memory of each process. Ends with 3 if one isn't SERVING."""
    command = command_context(context)
    states = command.shop.launcher().states()
    if as_json:
        processes = {
            state.name: {
                "health": state.health,
                "address": state.record.address if state.record else None,
                "pid": state.record.pid if state.record else None,
                "resident_bytes": state.record.resident_bytes if state.record else 0,
            }
            for state in states
        }
        command.console.print_json(json.dumps({"processes": processes}))
    else:
        table = Table("process", "health", "address", "pid", "memory", box=None, pad_edge=False)
        for state in states:
            record = state.record
            table.add_row(
                state.name,
                state.health,
                record.address if record else "",
                str(record.pid) if record else "",
                f"{record.resident_bytes / 2**20:.0f} MiB" if record else "",
            )
        command.console.print(table)
    if any(state.health != "SERVING" for state in states):
        raise typer.Exit(ExitCode.NOT_RUNNING)
