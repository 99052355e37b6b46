"""The gate, the model's versions and labels, and the publication of a training's results."""
