"""Puts the layers around a server's methods."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import grpc

from services.common.layers.layer import Handler, Layer


class LayersInterceptor(grpc.aio.ServerInterceptor):
    """One interceptor for all layers, which wraps each method once, on its first call.

    With an interceptor per layer, each call would pay for gRPC's interceptor machinery and a new handler per layer.
    `layers` go from the outside in; a method that is not there is answered by `absent`.
    """

    def __init__(self, layers: Sequence[Layer], absent: Handler) -> None:
        self._layers = tuple(reversed(layers))
        self._absent = absent
        self._wrapped: dict[str, tuple[Handler, Handler]] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        """Returns the method's handler inside all layers."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return self._absent
        method = handler_call_details.method
        known = self._wrapped.get(method)
        if known is None or known[0] is not handler:
            known = self._wrapped[method] = (handler, self._wrap(method, handler))
        return known[1]

    def _wrap(self, method: str, handler: Handler) -> Handler:
        for layer in self._layers:
            handler = layer.wrap_handler(method, handler)
        return handler
