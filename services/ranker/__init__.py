"""The ranker: scores candidates by the behavior model (over gRPC) or the linear scorer; encodes users and items."""
