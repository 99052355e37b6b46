"""Clients of the other services, with deadlines and circuit breakers, and values that all pages share."""
