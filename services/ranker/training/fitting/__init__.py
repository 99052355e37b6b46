"""The fit: epochs and steps, checkpoints, warm start, calibration, the linear scorer, metrics."""
