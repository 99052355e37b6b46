"""The behavior model in Keras: towers, history encoder, ranking head, losses, and its export as a SavedModel."""
