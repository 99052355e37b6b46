"""Inputs of the models and the linear scorer: columns of all items, a user as columns, and tensors of both."""
