import pytest

from services.common.errors import InvalidArgumentError
from services.common.paging import PageTokens, page_size
from services.common.signing import Signer
from services.common.validation import Violations

SIGNER = Signer(b"k" * 32)
ANNA, BERT = b"a" * 16, b"b" * 16


def token_of(signer: Signer = SIGNER, purpose: str = "list", layout: str = "qQ", visitor: bytes = ANNA) -> str:
    tokens: PageTokens[tuple[int, int]] = PageTokens(signer, purpose, layout)
    return tokens.make(visitor, (1, 2))


@pytest.fixture
def tokens() -> PageTokens[tuple[int, int]]:
    return PageTokens(SIGNER, "list", "qQ")


def test_a_token_leads_back_to_its_place(tokens: PageTokens[tuple[int, int]]) -> None:
    assert tokens.read(tokens.make(ANNA, (-5, 2**63)), ANNA) == (-5, 2**63)


def test_no_token_is_the_beginning(tokens: PageTokens[tuple[int, int]]) -> None:
    assert tokens.read("", ANNA) is None


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "not base64 at all!",
        token_of(visitor=BERT),
        token_of(purpose="another list"),
        token_of(layout="qI"),
        token_of(signer=Signer(b"f" * 32)),
    ],
    ids=["short", "text", "visitor", "list", "layout", "forged"],
)
def test_any_other_text_is_refused(tokens: PageTokens[tuple[int, int]], token: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        tokens.read(token, ANNA)
    assert refused.value.reason == "PAGE_TOKEN_INVALID"
    assert [each.field for each in refused.value.violations] == ["page_token"]


@pytest.mark.parametrize(("wanted", "size"), [(0, 20), (1, 1), (100, 100), (10_000, 100)])
def test_page_sizes_have_a_default_and_a_limit(wanted: int, size: int) -> None:
    assert page_size(wanted, default=20, largest=100) == size


def test_a_negative_page_size_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="page_size is -1; send 1 to 1,000, or 0 for 20") as refused:
        page_size(-1, default=20, largest=1_000)
    assert [each.field for each in refused.value.violations] == ["page_size"]
    assert refused.value.reason == "OUT_OF_RANGE"


def test_a_negative_page_size_joins_the_other_violations() -> None:
    violations = Violations()
    assert page_size(-1, default=0, largest=30, field="max_shelves", violations=violations) == 0
    assert [each.field for each in violations.found] == ["max_shelves"]
    assert violations.found[0].description == "is -1; send 1 to 30, or 0 for the default"
