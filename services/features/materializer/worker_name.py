import socket
import uuid
from typing import NamedTuple


class WorkerName(NamedTuple):
    """What a worker is called among those who share a store."""

    own: str
    """Never used before."""

    earlier: str
    """What the names of its earlier lives begin with; empty: nobody knows them."""


def worker_name(host: str, port: int) -> WorkerName:
    """Returns the name of the process that listens on an address.

    Who listens there before was the same worker and is gone: two cannot listen on one port. So its leases need not run
    out. On port 0, which is any free one, nothing can be said.
    """
    place = f"{socket.gethostname()[:100]}/{host[:100]}:{port}/" if port else ""
    return WorkerName(f"{place or 'any/'}{uuid.uuid4().hex}", place)
