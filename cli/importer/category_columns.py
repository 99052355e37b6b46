import re
from collections.abc import Mapping

from cli.importer.column_names import normal

NUMBERED = re.compile(r"(?:category|categorylevel|categorylvl|cat|level)(\d+)")
# Names of levels from the root down. Each has a few names; of two columns for a level the first is taken.
LADDER = (
    ("department", "division"),
    ("category", "product_category", "category_name"),
    ("subcategory", "sub_category", "commodity"),
    ("type", "product_type", "class", "subclass"),
)


def level_columns(columns: Mapping[str, str]) -> tuple[str, ...]:
    """The columns that are levels of the category tree, from the root down: numbered ones (`category_1`, `category_2`,
    …), else those that have the names of levels.

    Args:
        columns: columns of the file by their normalized names.
    """
    numbered = {int(match[1]): column for name, column in columns.items() if (match := NUMBERED.fullmatch(name))}
    if numbered:
        return tuple(numbered[number] for number in sorted(numbered))
    found = (next((columns[normal(name)] for name in names if normal(name) in columns), None) for names in LADDER)
    return tuple(column for column in found if column)
