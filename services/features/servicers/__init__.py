"""The gRPC servicers: they validate, call, and marshal."""
