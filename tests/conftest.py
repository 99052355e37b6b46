"""What all tests share: logging that stays as it was, and real engines for those marked `real`. Where one is missing
they fail: a test that is skipped shows nothing.
"""

from collections.abc import Iterator

import hypothesis
import pytest
import structlog
from sqlalchemy.engine import URL

from tests.support.elasticsearch import NoElasticsearchError, elasticsearch_url
from tests.support.mariadb import NoEngineError, fresh_database, mysql_server

# On a busy machine an example's time says nothing about the code.
hypothesis.settings.register_profile("vitrine", deadline=None)
hypothesis.settings.load_profile("vitrine")


@pytest.fixture(autouse=True)
def logging_stays_as_it_was() -> Iterator[None]:
    """A test that leaves logging set up, as one does that runs a service in the tests' own process, takes the logs from
    the tests after it. Such a test needs a process of its own.
    """
    before = structlog.get_config()
    yield
    assert structlog.get_config() == before


@pytest.fixture(scope="session")
def mysql_server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[URL]:
    """A MySQL or MariaDB server that all tests share."""
    try:
        with mysql_server(tmp_path_factory.mktemp("mariadb")) as url:
            yield url
    except NoEngineError as missing:
        pytest.fail(str(missing))


@pytest.fixture
def mysql_url(mysql_server_url: URL) -> Iterator[URL]:
    """An empty database of one's own on that server."""
    with fresh_database(mysql_server_url) as url:
        yield url


@pytest.fixture(scope="session")
def elasticsearch_address() -> str:
    """Where a real Elasticsearch server is."""
    try:
        return elasticsearch_url()
    except NoElasticsearchError as missing:
        pytest.fail(str(missing))


@pytest.fixture(params=["sqlite", pytest.param("mysql", marks=pytest.mark.real)])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty store on each engine in turn: what must hold on one must hold on the other."""
    if request.param == "sqlite":
        folder = request.getfixturevalue("tmp_path")
        return f"sqlite:///{folder / 'store.db'}"
    url: URL = request.getfixturevalue("mysql_url")
    return url.render_as_string(hide_password=False)
