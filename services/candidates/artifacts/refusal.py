class ArtifactRefusedError(Exception):
    """An artefact that must not be served from; the message says why and is shown to operators."""
