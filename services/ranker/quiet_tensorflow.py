import os


def load_tensorflow_quietly() -> None:
    """Imports TensorFlow and lets it look for devices while the process's error stream leads nowhere.

    Its native libraries speak of drivers and instruction sets before any log level is read, in the middle of a person's
    progress bars or of a service's JSON log. Python's own errors are raised as usual.
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
