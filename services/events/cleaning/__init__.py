"""Validates and completes incoming events: fields, time, currency, attribution, flags of bots and bursts."""
