from services.common.words import words


def tokens(text: str) -> set[str]:
    """Returns the distinct terms of a text (see `words`)."""
    return set(words(text))
