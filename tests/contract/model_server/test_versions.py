import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest

from services.ranker.tensor_codec import decode
from services.ranker.tf_protos import get_model_status_pb2, model_management_pb2
from tests.support.saved_model_files import write_line, write_warm_up
from tests.support.serving_client import OK, Server, State, X, error_of, predict_request, until

pytestmark = pytest.mark.slow  # a server process


class TestVersions:
    def test_a_new_version_takes_over_and_the_old_one_ends(self, server: Server) -> None:
        write_line(server.models / "line", 2, slope=3)
        server.wait_for(2, State.AVAILABLE)
        server.wait_for(1, State.END)
        assert server.states()[1].status.error_code == OK
        np.testing.assert_array_equal(decode(server.predict(predict_request()).outputs["y"]), X * 3)

    def test_no_request_fails_while_versions_change(self, server: Server) -> None:
        stop, answered = threading.Event(), set()

        def ask() -> None:
            while not stop.is_set():
                response = server.predict(predict_request())
                slope = response.model_spec.version.value + 1
                np.testing.assert_array_equal(decode(response.outputs["y"]), X * slope)
                answered.add(response.model_spec.version.value)

        with ThreadPoolExecutor(4) as pool:
            callers = [pool.submit(ask) for _ in range(4)]
            try:
                for version in (2, 3, 4):
                    write_line(server.models / "line", version, slope=version + 1)
                    server.wait_for(version, State.AVAILABLE)
                    server.wait_for(version - 1, State.END)
                until(lambda: 4 in answered)
            finally:
                stop.set()
            for caller in callers:
                caller.result()

    @pytest.mark.parametrize(
        ("number", "fault"),  # each has a number of its own: the server remembers how one ended
        [*enumerate(["nothing", "garbage", "empty file", "half a file", "folder", "unknown operation"], start=20)],
    )
    def test_a_broken_version_ends_with_its_error_and_the_old_one_goes_on(
        self, server: Server, number: int, fault: str
    ) -> None:
        broken = write_line(server.models / "aside", number)
        model = broken / "saved_model.pb"
        content = model.read_bytes()
        match fault:
            case "nothing":
                model.unlink()
            case "folder":
                model.unlink()
                model.mkdir()
            case "garbage":
                model.write_bytes(b"this is no model")
            case "empty file":
                model.write_bytes(b"")
            case "half a file":
                model.write_bytes(content[: len(content) // 2])
            case "unknown operation":
                model.write_bytes(content.replace(b"Identity", b"Identify"))
        broken.rename(server.models / "line" / str(number))
        status = server.wait_for(number, State.END)
        assert status.status.error_code != OK
        assert status.status.error_message
        assert server.states()[1].state == State.AVAILABLE
        assert server.predict(predict_request()).model_spec.version.value == 1

    def test_directories_without_a_number_are_passed_over(self, server: Server) -> None:
        for name in ("draft-9", "9.tmp", "-9", "latest"):
            (server.models / "line" / name).mkdir()
        write_line(server.models / "line", 2)
        server.wait_for(2, State.AVAILABLE)
        assert set(server.states()) >= {1, 2}
        assert 9 not in server.states()

    def test_a_failing_warm_up_keeps_a_version_from_serving(self, server: Server) -> None:
        aside = write_line(server.models / "aside", 30)
        write_warm_up(aside, [{"x": X}, {"wrong": X}])
        aside.rename(server.models / "line" / "30")
        assert server.wait_for(30, State.END).status.error_code != OK
        assert server.predict(predict_request()).model_spec.version.value == 1

    def test_a_model_that_warms_up_serves(self, server: Server) -> None:
        aside = write_line(server.models / "aside", 2)
        write_warm_up(aside, [{"x": X}] * 5)
        aside.rename(server.models / "line" / "2")
        server.wait_for(2, State.AVAILABLE)


class TestModelStatus:
    def test_of_what_is_not_there_is_not_found(self, server: Server) -> None:
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = "unheard"
        code, details = error_of(lambda: server.management.GetModelStatus(request, timeout=20))
        assert (code.name, details) == ("NOT_FOUND", "Could not find any versions of model unheard")
        request.model_spec.name = "line"
        request.model_spec.version.value = 77
        code, details = error_of(lambda: server.management.GetModelStatus(request, timeout=20))
        assert (code.name, details) == ("NOT_FOUND", "Could not find version 77 of model line")

    def test_needs_a_model_spec(self, server: Server) -> None:
        request = get_model_status_pb2.GetModelStatusRequest()
        code, _ = error_of(lambda: server.management.GetModelStatus(request, timeout=20))
        assert code == grpc.StatusCode.INVALID_ARGUMENT


class TestReloadConfig:
    def test_is_the_whole_truth(self, server: Server) -> None:
        write_line(server.models / "other", 5, slope=7)
        assert server.reload({"name": "line"}, {"name": "other"}).status.error_code == OK
        assert server.predict(predict_request(name="other")).model_spec.version.value == 5
        server.reload({"name": "other"})
        server.wait_for(1, State.END)
        assert error_of(lambda: server.predict(predict_request()))[0] == grpc.StatusCode.NOT_FOUND
        server.reload({"name": "line"})
        server.wait_for(5, State.END, model="other")
        assert server.predict(predict_request()).model_spec.version.value == 1

    def test_serves_specific_versions_under_labels_and_moves_them(self, server: Server) -> None:
        write_line(server.models / "line", 2, slope=3)
        server.wait_for(2, State.AVAILABLE)
        versions = [1, 2]
        server.reload({"name": "line", "versions": versions})
        server.wait_for(1, State.AVAILABLE)
        server.reload({"name": "line", "versions": versions, "labels": {"stable": 1, "canary": 2}})
        assert server.predict(predict_request(label="stable")).model_spec.version.value == 1
        assert server.predict(predict_request(label="canary")).model_spec.version.value == 2
        assert server.predict(predict_request(version=1)).model_spec.version.value == 1
        assert server.predict(predict_request()).model_spec.version.value == 2
        server.reload({"name": "line", "versions": versions, "labels": {"stable": 2}})
        assert server.predict(predict_request(label="stable")).model_spec.version.value == 2
        assert error_of(lambda: server.predict(predict_request(label="canary")))[0] == grpc.StatusCode.INVALID_ARGUMENT

    def test_refuses_a_label_for_a_version_that_is_not_available(self, server: Server) -> None:
        code, details = error_of(lambda: server.reload({"name": "line", "labels": {"stable": 9}}))
        assert code == grpc.StatusCode.FAILED_PRECONDITION
        assert "not currently available for inference" in details

    def test_refuses_a_model_listed_twice_and_a_config_that_is_no_list(self, server: Server) -> None:
        code, details = error_of(lambda: server.reload({"name": "line"}, {"name": "line"}))
        assert code == grpc.StatusCode.INVALID_ARGUMENT
        assert "multiple times" in details
        request = model_management_pb2.ReloadConfigRequest()
        code, _ = error_of(lambda: server.management.HandleReloadConfigRequest(request, timeout=20))
        assert code == grpc.StatusCode.INVALID_ARGUMENT
        assert server.predict(predict_request()).model_spec.version.value == 1
