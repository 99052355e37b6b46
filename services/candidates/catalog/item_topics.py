from typing import Final

from vitrine.features.v1.item_pb2 import Item

_ATTRIBUTES: Final = ("tag", "tags", "topic", "topics")


def item_topics(item: Item) -> tuple[str, ...]:
    """Returns what a follower of topics finds the item by: the names of its categories, its tags and its topics."""
    topics = {name for path in item.category_paths for name in path.names}
    for name in _ATTRIBUTES:
        if name in item.attributes:
            value = item.attributes[name]
            topics.update(value.texts.values)
            if value.text:
                topics.add(value.text)
    return tuple(sorted(topics))
