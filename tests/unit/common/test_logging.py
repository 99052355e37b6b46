import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from services.common.telemetry.logging import configure_logging


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object(stream: io.StringIO) -> None:
    configure_logging("shop", stream=stream)
    structlog.get_logger("vitrine.test").info("started\nnow", count=3, word="é")
    (line,) = lines(stream)
    assert line.pop("time").endswith("Z")
    assert line == {
        "event": "started\nnow",
        "level": "info",
        "logger": "vitrine.test",
        "service": "shop",
        "count": 3,
        "word": "é",
    }


def test_other_libraries_logs_look_the_same(stream: io.StringIO) -> None:
    configure_logging("shop", stream=stream)
    logging.getLogger("grpc").warning("lost %s of %d", "one", 2)
    (line,) = lines(stream)
    assert (line["event"], line["logger"], line["service"]) == ("lost one of 2", "grpc", "shop")


def test_what_is_below_the_level_is_not_logged(stream: io.StringIO) -> None:
    configure_logging("shop", "WARNING", stream=stream)
    structlog.get_logger("vitrine.test").info("quiet")
    logging.getLogger("other").info("quiet")
    structlog.get_logger("vitrine.test").warning("loud")
    assert [line["event"] for line in lines(stream)] == ["loud"]


@pytest.mark.parametrize("field", ["user_id", "anonymous_id", "visitor", "visitor_key", "known_user_id"])
def test_users_are_pseudonyms(stream: io.StringIO, field: str) -> None:
    configure_logging("shop", stream=stream, secret=b"key")
    log = structlog.get_logger("vitrine.test")
    log.info("one", **{field: "u:alice"})
    log.info("two", **{field: "u:alice"})
    log.info("three", **{field: "u:bob"})
    one, two, three = (line[field] for line in lines(stream))
    assert one == two != three
    assert "alice" not in stream.getvalue()


def test_lists_of_users_and_bound_users_are_pseudonyms_too(stream: io.StringIO) -> None:
    configure_logging("shop", stream=stream, secret=b"key")
    structlog.contextvars.bind_contextvars(user_id="alice")
    structlog.get_logger("vitrine.test").info("many", user_ids=["alice", "bob"])
    (line,) = lines(stream)
    assert line["user_ids"][0] == line["user_id"] != line["user_ids"][1]
    assert "alice" not in stream.getvalue()


def test_an_exception_is_data_without_local_variables(stream: io.StringIO) -> None:
    configure_logging("shop", stream=stream)
    try:
        request = {"user_id": "alice"}
        request["item"]
    except KeyError:
        structlog.get_logger("vitrine.test").exception("failed")
    (line,) = lines(stream)
    assert line["exception"][0]["exc_type"] == "KeyError"
    assert "alice" not in stream.getvalue()


@pytest.mark.parametrize(
    "error",
    [
        KeyError("u:alice"),
        ValueError('no such user: "alice"'),
        ValueError("it is 'said of \\'alice\\''"),
        RuntimeError("(1062, \"Duplicate entry 'u:alice' for key 'PRIMARY'\")"),
        ExceptionGroup("several", [KeyError("alice"), ValueError("'alice'")]),
    ],
)
def test_what_an_exception_quotes_is_left_out(stream: io.StringIO, error: Exception) -> None:
    configure_logging("shop", stream=stream)
    error.add_note("while reading 'alice'")
    logging.getLogger("other").error("failed", exc_info=error)
    (line,) = lines(stream)
    assert line["exception"][0]["exc_type"] == type(error).__name__
    assert "alice" not in stream.getvalue()


def test_a_cause_is_as_discreet_and_files_keep_their_names(stream: io.StringIO) -> None:
    configure_logging("shop", stream=stream)
    try:
        try:
            raise KeyError("alice")
        except KeyError as cause:
            raise FileNotFoundError(2, "No such file or directory", "/shop/model") from cause
    except OSError:
        structlog.get_logger("vitrine.test").exception("failed")
    assert "/shop/model" in stream.getvalue()
    assert "alice" not in stream.getvalue()


def test_messages_without_quotes_stay_as_they_are(stream: io.StringIO) -> None:
    configure_logging("shop", stream=stream)
    logging.getLogger("other").error("failed", exc_info=ValueError("8 is too many"))
    (line,) = lines(stream)
    assert line["exception"][0]["exc_value"] == "8 is too many"
