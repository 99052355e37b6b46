from cli.importer.fields import Field, Kind, Values
from vitrine.events.v1 import event_pb2

# Words that shops and their tools write for each type, beside the type's own name.
TYPE_WORDS = {
    event_pb2.EVENT_TYPE_VIEW: ("view", "view_item", "product_view", "detail_view", "item_view", "page_view"),
    event_pb2.EVENT_TYPE_CLICK: ("click", "select_item", "product_click"),
    event_pb2.EVENT_TYPE_FAVORITE: ("favorite", "favourite", "like", "wishlist", "add_to_wishlist"),
    event_pb2.EVENT_TYPE_UNFAVORITE: ("unfavorite", "unfavourite", "unlike", "remove_from_wishlist"),
    event_pb2.EVENT_TYPE_ADD_TO_CART: ("add_to_cart", "cart", "add_to_basket"),
    event_pb2.EVENT_TYPE_REMOVE_FROM_CART: ("remove_from_cart", "remove_from_basket"),
    event_pb2.EVENT_TYPE_PURCHASE: ("purchase", "buy", "transaction", "order", "sale"),
    event_pb2.EVENT_TYPE_REFUND: ("refund", "return"),
    event_pb2.EVENT_TYPE_WATCH: ("watch", "play", "video_view"),
    event_pb2.EVENT_TYPE_SHARE: ("share",),
    event_pb2.EVENT_TYPE_DISLIKE: ("dislike", "not_interested"),
    event_pb2.EVENT_TYPE_FOLLOW: ("follow", "subscribe"),
    event_pb2.EVENT_TYPE_UNFOLLOW: ("unfollow", "unsubscribe"),
    event_pb2.EVENT_TYPE_SEARCH: ("search", "query"),
    event_pb2.EVENT_TYPE_IMPRESSION: ("impression", "view_item_list"),
}
TYPES = tuple((word, int(number)) for number, words in TYPE_WORDS.items() for word in words)
SUBJECT_KINDS = (
    ("creator", event_pb2.SUBJECT_KIND_CREATOR),
    ("brand", event_pb2.SUBJECT_KIND_BRAND),
    ("topic", event_pb2.SUBJECT_KIND_TOPIC),
)

EVENTS = Kind(
    name="events",
    fields=(
        Field("event_id", Values.ID, ("id", "uuid", "message_id")),
        Field("user_id", Values.ID, ("customer_id", "household_id", "member_id", "user", "customer")),
        Field("anonymous_id", Values.ID, ("visitor_id", "device_id", "client_id", "cookie_id", "session_id")),
        Field(
            "type",
            Values.CHOICE,
            ("event_type", "event_name", "event", "action", "behavior"),
            required=True,
            choices=TYPES,
        ),
        Field("item_id", Values.ID, ("product_id", "sku", "article_id", "asin", "stock_code", "item", "product")),
        Field("subject_kind", Values.CHOICE, ("followed_kind",), choices=SUBJECT_KINDS),
        Field("subject_id", Values.ID, ("followed_id",)),
        Field(
            "event_time",
            Values.TIME,
            ("time", "timestamp", "event_timestamp", "transaction_timestamp", "datetime", "created_at", "date", "ts"),
            required=True,
        ),
        Field("quantity", Values.QUANTITY, ("qty", "units", "amount_of_items")),
        Field("unit_price", Values.MONEY, ("price", "item_price")),
        Field("currency_code", Values.CURRENCY, ("currency",)),
        Field("watched_fraction", Values.FRACTION, ("watch_fraction", "watched", "completion")),
        Field("tracking_token", Values.TEXT, ("token",)),
        Field("search_text", Values.TEXT, ("search_query", "search_term", "query", "keywords")),
        Field("order_id", Values.ID, ("basket_id", "transaction_id", "invoice", "invoice_no", "order_number")),
        Field("device", Values.CONTEXT, ("device_type", "platform")),
        Field("store", Values.CONTEXT, ("store_id",)),
        Field("campaign", Values.CONTEXT, ("campaign_id", "utm_campaign")),
    ),
    attribute_prefixes=("context.", "context_"),
    any_of=("user_id", "anonymous_id"),
)
