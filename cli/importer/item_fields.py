from cli.importer.fields import Field, Kind, Values
from vitrine.features.v1 import item_pb2

KINDS = (
    ("product", item_pb2.ITEM_KIND_PRODUCT),
    ("video", item_pb2.ITEM_KIND_VIDEO),
    ("post", item_pb2.ITEM_KIND_POST),
    ("article", item_pb2.ITEM_KIND_POST),
    ("advert", item_pb2.ITEM_KIND_ADVERT),
    ("ad", item_pb2.ITEM_KIND_ADVERT),
)

ITEMS = Kind(
    name="items",
    fields=(
        Field(
            "item_id", Values.ID, ("product_id", "sku", "article_id", "asin", "stock_code", "id", "item"), required=True
        ),
        Field("kind", Values.CHOICE, ("item_kind", "item_type", "content_type"), choices=KINDS),
        Field("group_id", Values.ID, ("item_group_id", "parent_id", "parent_sku", "parent_asin", "product_group_id")),
        Field("creator_id", Values.ID, ("creator", "author_id", "author", "channel_id")),
        Field("title", Values.TEXT, ("name", "product_name", "item_name", "product_title"), required=True),
        Field("description", Values.TEXT, ("long_description", "product_description", "body", "text")),
        Field(
            "category",
            Values.CATEGORIES,
            ("category_path", "category_paths", "categories", "taxonomy", "google_product_category"),
            required=True,
        ),
        Field("brand", Values.TEXT, ("brand_name", "manufacturer", "vendor")),
        Field("price", Values.MONEY, ("current_price", "selling_price", "unit_price")),
        Field("list_price", Values.MONEY, ("regular_price", "original_price", "compare_at_price", "msrp", "rrp")),
        Field("currency_code", Values.CURRENCY, ("currency",)),
        Field("stock", Values.WHOLE, ("stock_quantity", "inventory", "inventory_quantity", "quantity", "qty")),
        Field("hidden", Values.FLAG, ("is_hidden", "unlisted")),
        Field("available_from_time", Values.TIME, ("available_from", "release_date", "launch_date", "published_at")),
        Field("available_until_time", Values.TIME, ("available_until", "expires_at", "expiration_date", "end_date")),
        Field("minimum_age", Values.WHOLE, ("min_age", "age_limit")),
        Field("url", Values.TEXT, ("link", "product_url", "item_url")),
        Field("image_url", Values.TEXT, ("image_link", "image", "picture", "img_url")),
        Field("badges", Values.TEXTS, ("badge", "labels")),
        Field("margin", Values.MONEY, ("profit",)),
        Field("update_time", Values.TIME, ("updated_at", "last_modified", "modified_at", "timestamp")),
    ),
    attribute_prefixes=("attributes.", "attribute.", "attribute_", "attr.", "attr_"),
)
