"""`vitrine import --from-elasticsearch` where the cluster does not let it."""

from pathlib import Path

import pytest
from aiohttp import web

from cli.errors import CommandError, ExitCode
from cli.importer.from_elasticsearch import copy_index
from cli.importer.from_elasticsearch.import_indexes import import_indexes
from services.candidates.settings import CandidatesSettings
from tests.support.elasticsearch_proxy import Asked, ElasticsearchProxy, answered
from tests.support.import_shop import FakeImportShop


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy_index, "DELAYS", (0.01, 0.01))


@pytest.mark.parametrize(
    ("refusal", "advice", "exit_code"),
    [
        ((401, "who are you"), "API_KEY", ExitCode.USAGE),
        ((403, "not you"), "API_KEY", ExitCode.USAGE),
        ((404, "index_not_found_exception"), "has no index", ExitCode.USAGE),
        ((400, "no"), "refuses", ExitCode.FAILED),
        ((503, "red"), "run the same import again", ExitCode.NOT_RUNNING),
    ],
)
async def test_what_cannot_be_read_ends_with_advice(
    tmp_path: Path, refusal: tuple[int, str], advice: str, exit_code: ExitCode
) -> None:
    status, error = refusal

    async def refuse(_: Asked) -> web.Response:
        return answered({"error": error}, status)

    async with ElasticsearchProxy(fault=refuse).open() as cluster:
        settings = CandidatesSettings(elasticsearch_url=cluster.address)
        with pytest.raises(CommandError, match=advice) as caught:
            await import_indexes(FakeImportShop(tmp_path), ["products"], settings)
    assert caught.value.exit_code is exit_code


@pytest.mark.parametrize(
    ("indexes", "url", "advice"),
    [
        (["products"], "", "VITRINE_CANDIDATES_ELASTICSEARCH_URL"),
        (["users="], "http://127.0.0.1:9", "KIND=INDEX"),
        ([" "], "http://127.0.0.1:9", "KIND=INDEX"),
        (["products"], "http://127.0.0.1:9", "run the same import again"),
    ],
)
async def test_what_is_not_said_or_not_there(tmp_path: Path, indexes: list[str], url: str, advice: str) -> None:
    with pytest.raises(CommandError, match=advice):
        await import_indexes(FakeImportShop(tmp_path), indexes, CandidatesSettings(elasticsearch_url=url))
