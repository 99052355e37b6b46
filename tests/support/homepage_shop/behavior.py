"""How a fake service fares: well, dead, or slow."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import grpc


@dataclass
class Behavior:
    """Switched by tests while the fake runs. `dead_methods` are dead alone; `calls` counts by method."""

    dead: bool = False
    delay: float = 0.0
    dead_methods: set[str] = field(default_factory=set)
    calls: dict[str, int] = field(default_factory=dict)

    async def enter(self, context: Any, method: str) -> None:
        """Does what the behavior says before the fake answers."""
        self.calls[method] = self.calls.get(method, 0) + 1
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.dead or method in self.dead_methods:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the fake is dead")
