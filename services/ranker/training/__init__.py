"""Training of the behavior model and the linear scorer: `job.py` reads a shop, `training_run.py` takes the steps,
`plan.py` says how.
"""
