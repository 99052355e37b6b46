import asyncio
import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from cli.checkup.machine import Verdict, check_machine
from cli.checkup.services import check_services
from cli.context import command_context
from cli.errors import ExitCode


def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for scripts.")] = False,
) -> None:
    """Check machine and shop, and suggest fixes. Ends with 1 if there is a fault."""
    command = command_context(context)
    findings = [*check_machine(command.state_directory), *asyncio.run(check_services(command.shop))]
    if as_json:
        command.console.print_json(json.dumps({"findings": [asdict(finding) for finding in findings]}))
    else:
        table = Table("check", "verdict", "seen", box=None, pad_edge=False)
        for finding in findings:
            remedy = f"\n→ {finding.remedy}" if finding.remedy else ""
            table.add_row(finding.check, finding.verdict.value, finding.text + remedy)
        command.console.print(table)
    if any(finding.verdict is Verdict.FAULT for finding in findings):
        raise typer.Exit(ExitCode.FAILED)
