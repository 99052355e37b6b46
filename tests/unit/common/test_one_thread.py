from pathlib import Path

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from services.common import entrypoint
from tests.support.probe_service import ProbeApplication, ProbeSettings, build


def blas_threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_a_service_computes_matrix_products_on_one_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    while_serving: set[int] = set()

    async def serve(settings: ProbeSettings, application: ProbeApplication) -> None:
        while_serving.update(blas_threads())

    monkeypatch.setattr(entrypoint, "serve", serve)
    monkeypatch.setenv("VITRINE_STATE_DIRECTORY", str(tmp_path))
    with threadpool_limits(2, user_api="blas"):
        assert blas_threads() == {2}
        assert entrypoint.run(ProbeSettings, build, []) == entrypoint.EXIT_OK
    assert while_serving == {1}
