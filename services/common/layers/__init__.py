"""What every call passes through, outside in: metrics, error mapping, readiness, open streams, messages, deadlines."""
