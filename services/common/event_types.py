"""The contract's event types as plain numbers: this package looks them up for every event of every user."""

from typing import Final

from vitrine.events.v1 import event_pb2

VIEW: Final = int(event_pb2.EVENT_TYPE_VIEW)
CLICK: Final = int(event_pb2.EVENT_TYPE_CLICK)
FAVORITE: Final = int(event_pb2.EVENT_TYPE_FAVORITE)
UNFAVORITE: Final = int(event_pb2.EVENT_TYPE_UNFAVORITE)
ADD_TO_CART: Final = int(event_pb2.EVENT_TYPE_ADD_TO_CART)
REMOVE_FROM_CART: Final = int(event_pb2.EVENT_TYPE_REMOVE_FROM_CART)
PURCHASE: Final = int(event_pb2.EVENT_TYPE_PURCHASE)
REFUND: Final = int(event_pb2.EVENT_TYPE_REFUND)
WATCH: Final = int(event_pb2.EVENT_TYPE_WATCH)
SHARE: Final = int(event_pb2.EVENT_TYPE_SHARE)
DISLIKE: Final = int(event_pb2.EVENT_TYPE_DISLIKE)
FOLLOW: Final = int(event_pb2.EVENT_TYPE_FOLLOW)
UNFOLLOW: Final = int(event_pb2.EVENT_TYPE_UNFOLLOW)
SEARCH: Final = int(event_pb2.EVENT_TYPE_SEARCH)
IMPRESSION: Final = int(event_pb2.EVENT_TYPE_IMPRESSION)

COUNT: Final = 1 + max(event_pb2.EventType.values())
