"""Writes docs/features.md from the declarations beside the features' code: `python -m scripts.feature_docs [--check]`.

With --check it writes nothing, and fails where the page is not what it would write.
"""

import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from scripts.checks.tree import ROOT, report
from services.common.feature_declaration import FeatureDeclaration
from services.features.definitions import item_statistics
from services.features.definitions.user_state import FEATURES
from services.features.users import user_features
from services.ranker.inputs.candidate_features import CROSSED, FAMILIES, FEATURE_NAMES

PAGE: Final = Path("docs/features.md")
EVENT_PROTO: Final = "../protos/vitrine/events/v1/event.proto"

HEAD: Final = f"""# Features

Made from the code by `make docs`; do not edit. Every feature stands in one file with its declaration, its write path
(from an event) and its read path, which requests and training share. What UNFAVORITE, REMOVE_FROM_CART and REFUND take
back is in no feature but `recent`; the [contract]({EVENT_PROTO}) says what they refer to.

*Default* is what stands in the field while nothing is known; the status is MISSING then, whether there is one or not.
*Fresh for* is how long the log may not have been read to its end before a value is STALE; it is served all the same.
"""


def page() -> str:
    """Returns the page."""
    lines = [HEAD, "## Of a user: `UserFeatures`", ""]
    users = [(feature.DECLARATION, feature.__module__) for feature in FEATURES]
    lines += _table([*users, (user_features.ATTRIBUTES, user_features.__name__)])
    lines += ["", "## Of an item: `ListItemStatistics`", ""]
    lines += _table([(declaration, item_statistics.__name__) for declaration in item_statistics.DECLARATIONS])
    lines += ["", f"## Of a user and a candidate: the model's {len(FEATURE_NAMES)} `candidate_features`", ""]
    lines += [
        "In this order; all are finite. They are computed from the two above when a page is ranked, and in training.",
        "",
    ]
    lines += _table([(declaration, family.__name__) for family in FAMILIES for declaration in family.DECLARATIONS])
    crossed = ", ".join(f"`{name}`" for name in CROSSED)
    lines += ["", f"Then `bought_x_…`, the product with `bought`, of {crossed}.", ""]
    return "\n".join(lines)


def _table(features: Sequence[tuple[FeatureDeclaration, str]]) -> Iterator[str]:
    yield "| feature | meaning | unit | default | window | fresh for |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for declaration, module in features:
        name = f"[{declaration.name}](../{module.replace('.', '/')}.py)"
        fresh = "" if declaration.freshness is None else _duration(declaration.freshness)
        cells = (name, declaration.description, declaration.unit, declaration.default, declaration.window, fresh)
        yield "| " + " | ".join((cell or "").replace("|", "\\|") for cell in cells) + " |"


def _duration(duration: timedelta) -> str:
    minutes = duration // timedelta(minutes=1)
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


def main(arguments: Sequence[str]) -> int:
    """Writes or checks the page; returns the exit code."""
    file, wanted = ROOT / PAGE, page()
    if "--check" not in arguments:
        file.write_text(wanted, encoding="utf-8")
        return 0
    written = file.read_text(encoding="utf-8") if file.exists() else ""
    findings = [] if written == wanted else [f"{PAGE} is not what the definitions say: run `make docs`"]
    return report("features page", findings, "is what the definitions say")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
