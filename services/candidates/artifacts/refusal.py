class ArtifactRefusedError(Exception):
    """An artifact that must not be served from; the message says why and is shown to operators."""
