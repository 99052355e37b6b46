from cli.importer.fields import Field, Kind, Values
from vitrine.common.v1 import visitor_pb2

CONSENTS = (
    ("none", visitor_pb2.CONSENT_NONE),
    ("essential", visitor_pb2.CONSENT_ESSENTIAL),
    ("personal", visitor_pb2.CONSENT_PERSONAL),
)

# Other columns of a user are taken only where the shop names them: a file of customers holds names and addresses too.
USERS = Kind(
    name="users",
    fields=(
        Field("user_id", Values.ID, ("customer_id", "household_id", "member_id", "id", "user", "customer")),
        Field("anonymous_id", Values.ID, ("visitor_id", "device_id", "client_id", "cookie_id")),
        Field("consent", Values.CHOICE, choices=CONSENTS),
        Field("update_time", Values.TIME, ("updated_at", "last_modified", "modified_at", "timestamp")),
        Field("age_band", Values.ATTRIBUTE, ("age_group", "age_range", "age")),
        Field("gender", Values.ATTRIBUTE, ("sex",)),
        Field("region", Values.ATTRIBUTE, ("state", "province", "county")),
        Field("country", Values.ATTRIBUTE, ("country_code",)),
        Field("language", Values.ATTRIBUTE, ("locale",)),
        Field("income_band", Values.ATTRIBUTE, ("income_range", "income")),
        Field("household", Values.ATTRIBUTE, ("household_composition", "household_comp")),
        Field("household_size", Values.ATTRIBUTE, ("family_size",)),
        Field("kids", Values.ATTRIBUTE, ("kids_count", "children")),
        Field("home_ownership", Values.ATTRIBUTE, ("homeowner",)),
        Field("marital_status", Values.ATTRIBUTE),
        Field("segment", Values.ATTRIBUTE, ("customer_segment", "loyalty_tier")),
    ),
    attribute_prefixes=("attributes.", "attribute.", "attribute_", "attr.", "attr_"),
    any_of=("user_id", "anonymous_id"),
)
