"""The checks of `vitrine doctor`: the machine, and the services of the shop."""
