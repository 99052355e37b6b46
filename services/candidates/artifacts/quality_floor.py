"""Whether a new version of an artifact is good enough to follow the former one."""

from typing import Final

from services.common.artifacts import Artifact

QUALITY: Final = "quality"
"""In a manifest's metadata: how well the table foresees the log's last hours, 0 to 1; null where there were too few
users to say.
"""

KEPT_BACK: Final = "kept_back"
"""In a manifest's metadata: why the job did not make the version current. One that is current nevertheless was made so
by hand.
"""


def shortfall(quality: object, former: Artifact | None, floor: float) -> str:
    """Returns why a version of this quality is not good enough to follow the former one; empty: it is.

    `floor` is the part of the former quality to be reached. What has no measure is not held back.
    """
    before = None if former is None else former.metadata.get(QUALITY)
    if former is None or not isinstance(quality, float) or not isinstance(before, float) or quality >= floor * before:
        return ""
    return (
        f"its quality on the held-out hours is {quality:.4f}, version {former.version} had {before:.4f} and the"
        f" floor is {floor:g} of that"
    )
