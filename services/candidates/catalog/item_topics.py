from itertools import chain
from typing import Final

from vitrine.features.v1.item_pb2 import Item

_ATTRIBUTES: Final = ("tag", "tags", "topic", "topics")


def item_topics(item: Item, paths: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    """Returns what a follower of topics finds the item by: names of its category `paths`, its tags and its topics."""
    topics = set(chain.from_iterable(paths))
    if attributes := item.attributes:
        for name in _ATTRIBUTES:
            if name in attributes:
                value = attributes[name]
                topics.update(value.texts.values)
                if value.text:
                    topics.add(value.text)
    return tuple(sorted(topics))
