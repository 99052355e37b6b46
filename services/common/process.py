"""How a service's process behaves on its machine: it ends with its parent, and computes on one thread."""

import ctypes
import os
import signal
import sys
from typing import Final

from threadpoolctl import threadpool_limits

_PR_SET_PDEATHSIG: Final = 1


def exit_with_parent(parent: int) -> None:
    """Asks the kernel to send SIGTERM to this process once the thread that started it is gone.

    `parent` is the process id of the starter; 0 means the current parent, and misses one that died before this call.
    Raises OSError if the kernel is not Linux.
    """
    expected = parent or os.getppid()
    if not sys.platform.startswith("linux"):
        raise OSError("--exit-with-parent needs Linux; on other systems, stop the services yourself")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    if os.getppid() != expected:  # it died between its fork and our request
        raise SystemExit(0)


def compute_on_one_thread() -> None:
    """Makes the BLAS libraries loaded so far compute on the calling thread. A request's matrix products are too small
    to split: on busy cores, BLAS threads would wait for each other.
    """
    threadpool_limits(1, user_api="blas")
