import signal
from types import FrameType


def interrupt_at_once() -> None:
    """Lets Ctrl-C and `kill` end a command wherever it is, by a KeyboardInterrupt. The handler that asyncio would
    install waits for the running task to yield, which a training does not do for a minute. A command that was started
    with Ctrl-C ignored, as in the background of a script, goes on ignoring it.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
