"""Reads requests and checks them against the contract's bounds."""
