"""One way for model server, training, and benchmarks to load TensorFlow without its native log output."""

import os


def load_tensorflow_quietly() -> None:
    """Imports TensorFlow and lists its devices while standard error is redirected to /dev/null.

    Its native libraries log about drivers and instruction sets before any log level is read, in the middle of progress
    bars or of a service's JSON log. Python's errors are raised as usual.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        import tensorflow as tf

        tf.config.list_logical_devices()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
