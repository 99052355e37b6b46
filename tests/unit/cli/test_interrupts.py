import signal
import subprocess
import sys
import time

import pytest

PROGRAM = """
import asyncio, signal, sys, time
from cli.interrupts import interrupt_at_once
interrupt_at_once()

async def work() -> None:
    print("working", flush=True)
    end = time.monotonic() + 30
    while time.monotonic() < end:  # never yields, as a training
        pass

try:
    asyncio.run(work())
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_does_not_yield_is_interrupted_all_the_same(number: signal.Signals) -> None:
    # Test runs in the background start with SIGINT ignored: the child begins as at a terminal.
    command = [
        sys.executable,
        "-c",
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)" + PROGRAM,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout
            assert child.stdout.readline() == b"working\n"
            began = time.monotonic()
            child.send_signal(number)
            assert child.wait(10) == 130
            assert time.monotonic() - began < 5
        finally:
            child.kill()


def test_a_command_that_was_started_with_ctrl_c_ignored_goes_on_ignoring_it() -> None:
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from cli.interrupts import interrupt_at_once\n"
        "interrupt_at_once()\n"
        "assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
