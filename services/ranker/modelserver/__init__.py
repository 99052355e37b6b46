"""Serves SavedModels by the protocol of TensorFlow Serving: versions, labels, batching, warm-up."""
