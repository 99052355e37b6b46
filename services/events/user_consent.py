from services.common.consent import is_personal
from services.common.validation import Violations
from services.common.visitors import partition_of, visitor_key
from services.events.digests import visitor_digest
from services.events.group_commit import GroupCommitter
from services.events.storage.operations import SetRefusal
from vitrine.common.v1.visitor_pb2 import Consent
from vitrine.events.v1.consent_pb2 import SetConsentRequest, SetConsentResponse


class UserConsent:
    """Takes note of whose events and pages may be kept."""

    def __init__(self, committer: GroupCommitter, partitions: int) -> None:
        self._committer = committer
        self._partitions = partitions

    async def set(self, request: SetConsentRequest) -> SetConsentResponse:
        """Returns once it is durable. Raises InvalidArgumentError for a bad visitor and an unknown consent."""
        key = visitor_key(request.visitor)
        violations = Violations()
        if request.consent not in Consent.values():
            violations.add("consent", f"is {request.consent}; send a value of Consent", reason="CONSENT_UNKNOWN")
        violations.raise_if_any("Nothing is noted")
        partition = partition_of(key, self._partitions)
        await self._committer.submit(
            SetRefusal(visitor_digest(key), partition, refused=not is_personal(request.consent))
        )
        return SetConsentResponse()
