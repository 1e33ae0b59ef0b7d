"""X1, X2: what each reply means for each object. The shapes are those of recordings and documentation."""

import json
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from braze_assets.braze.replies import Reply, Verdict, read_reply

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=timezone.utc)
KEY = "planted-key-0000"


def read(status: int, body: Any, sent: int = 5, headers: dict[str, str] | None = None) -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_reply(status, headers or {}, raw, sent=sent, now=NOW, secrets=(KEY,))


def error(index: object, text: object = "bad", array: object = "attributes") -> dict[str, object]:
    return {"index": index, "type": text, "input_array": array}


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("message", ["success", "queued"])
def test_any_2xx_whose_counts_add_up_is_accepted(status: int, message: str) -> None:
    reply = read(status, {"message": message, "attributes_processed": 5})
    assert (reply.verdict, dict(reply.rejected)) == (Verdict.ACCEPTED, {})


def test_errors_inside_a_2xx_reject_those_rows_only() -> None:
    """Peers: mistake 11, errors of a 2xx not read."""
    body = {"message": "success", "attributes_processed": 3, "errors": [error(1, "no"), error(4, "never")]}
    reply = read(201, body)
    assert (reply.verdict, dict(reply.rejected)) == (Verdict.ACCEPTED, {1: "no", 4: "never"})


def test_two_errors_on_one_row_are_one_outcome() -> None:
    """Peers: mistake 4."""
    body = {"message": "success", "attributes_processed": 4, "errors": [error(2, "a"), error(2, "b")]}
    reply = read(201, body)
    assert (reply.verdict, dict(reply.rejected)) == (Verdict.ACCEPTED, {2: "a; b"})


def test_errors_of_other_arrays_blame_nobody() -> None:
    """Peers: mistake 11, `input_array` ignored."""
    body = {"message": "success", "attributes_processed": 5, "errors": [error(2, array="events")]}
    assert read(201, body).verdict is Verdict.ACCEPTED
    assert not read(201, body).rejected
    body["attributes_processed"] = 4
    assert read(201, body).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "body",
    [
        {"message": "success", "attributes_processed": 4},
        {"message": "success", "attributes_processed": 6},
        {"message": "success", "attributes_processed": 5, "errors": [error(0)]},
        {"message": "success", "attributes_processed": 4, "errors": [error(9)]},
        {"message": "success", "attributes_processed": 4, "errors": [error("0")]},
        {"message": "success", "attributes_processed": 4, "errors": [error(True)]},
        {"message": "success", "attributes_processed": 4, "errors": ["bad"]},
        {"message": "success", "attributes_processed": "5"},
        {"message": "success", "attributes_processed": True},
        {"message": "success"},
        {"message": "failure", "attributes_processed": 5},
        {"attributes_processed": 5},
        [],
        b"",
        b"<html>OK</html>",
        b'{"message":"succ',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_2xx_that_does_not_add_up_is_unknown(body: Any) -> None:
    reply = read(201, body)
    assert reply.verdict is Verdict.UNKNOWN
    assert reply.ambiguous
    assert not reply.rejected


def test_a_2xx_with_every_row_in_error_may_leave_the_count_out() -> None:
    body = {"message": "success", "errors": [error(0), error(1)]}
    assert dict(read(201, body, sent=2).rejected) == {0: "bad", 1: "bad"}


def test_a_400_with_indexes_rejects_those_and_gives_each_its_own_reason() -> None:
    """Peers: mistakes 2 and 12."""
    body = {
        "message": "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields.",
        "errors": [error(0, "first"), error(3, "fourth")],
    }
    reply = read(400, body)
    assert (reply.verdict, dict(reply.rejected)) == (Verdict.REFUSED, {0: "first", 3: "fourth"})
    assert not reply.ambiguous


@pytest.mark.parametrize("wrong", [5, -1, 500, None, "0", True, 1.0])
def test_a_400_with_an_index_that_cannot_be_right_blames_nobody(wrong: object) -> None:
    """X2: the others might be as wrong. The bad ones are looked for instead."""
    reply = read(400, {"message": "no", "errors": [error(0), error(wrong)]})
    assert (reply.verdict, dict(reply.rejected)) == (Verdict.BISECT, {})


def test_a_400_that_claims_to_have_processed_something_is_not_believed() -> None:
    reply = read(400, {"message": "no", "attributes_processed": 4, "errors": [error(0)]})
    assert reply.verdict is Verdict.UNKNOWN
    assert reply.ambiguous


@pytest.mark.parametrize(
    "body",
    [
        {"message": "Bad syntax"},
        {"error": "Error while parsing request body. Please check your syntax."},
        {"message": "no", "errors": [error(0, array="events")]},
        {"message": "no", "errors": "all"},
        b"",
        b"<html>",
    ],
)
def test_a_400_that_blames_nobody_is_bisected(body: Any) -> None:
    assert read(400, body).verdict is Verdict.BISECT


def test_too_much_is_split() -> None:
    assert read(413, b"<html>nginx</html>").verdict is Verdict.SPLIT_BYTES
    assert read(400, {"message": "Request Entity Too Large"}).verdict is Verdict.SPLIT_BYTES
    assert read(400, {"message": "Max Input Length Exceeded"}).verdict is Verdict.SPLIT_OBJECTS


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 522])
@pytest.mark.parametrize("body", [b"", b"<html><h1>Bad Gateway</h1></html>", b'{"message":"oops"}'])
def test_passing_failures_are_tried_again_whatever_the_body(status: int, body: bytes) -> None:
    """Peers: mistake 3, an HTML 502 that ended the import."""
    reply = read(status, body)
    assert reply.verdict is Verdict.RETRY
    assert reply.ambiguous == (status != 429)


def test_a_429_says_how_long_to_wait() -> None:
    assert read(429, b"", headers={"x-ratelimit-retry-after": "3"}).rate.wait == 3.0
    assert read(429, b"").rate.wait is None


@pytest.mark.parametrize("status", [301, 401, 403, 404, 405, 407, 415, 451])
def test_what_nobody_can_retry_is_fatal_and_has_a_remedy(status: int) -> None:
    reply = read(status, b"")
    assert reply.verdict is Verdict.FATAL
    assert reply.reason
    assert reply.remedy


def test_a_401_names_both_causes_and_not_the_key() -> None:
    """K01, K02."""
    reply = read(401, {"message": f"Invalid API key: {KEY}"})
    assert KEY not in repr(reply)
    assert "key is wrong" in reply.reason
    assert "instance" in reply.reason


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(
                ["message", "errors", "error", "index", "input_array", "type", "attributes_processed"]
            ),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=15,
)


@settings(deadline=None, max_examples=150)
@given(status=st.integers(100, 599), body=st.one_of(st.binary(max_size=60), JSON), sent=st.integers(1, 75))
def test_no_reply_can_break_it(status: int, body: Any, sent: int) -> None:
    reply = read(status, body, sent=sent)
    assert all(0 <= index < sent for index in reply.rejected)
    if reply.verdict is Verdict.ACCEPTED:
        assert 200 <= status < 300
    if reply.rejected:
        assert reply.verdict in (Verdict.ACCEPTED, Verdict.REFUSED)


@settings(deadline=None, max_examples=100)
@given(data=st.data(), sent=st.integers(1, 75))
def test_every_object_has_one_outcome_exactly_when_the_counts_add_up(data: st.DataObject, sent: int) -> None:
    bad = data.draw(st.sets(st.integers(0, sent - 1)))
    doubled = data.draw(st.lists(st.sampled_from(sorted(bad)), max_size=5)) if bad else []
    claimed = data.draw(st.integers(0, sent))
    errors = [error(index, f"reason {index}") for index in [*bad, *doubled]]
    reply = read(201, {"message": "success", "attributes_processed": claimed, "errors": errors}, sent=sent)
    if claimed + len(bad) == sent:
        assert reply.verdict is Verdict.ACCEPTED
        assert dict(reply.rejected) == {index: f"reason {index}" for index in bad}
    else:
        assert reply.verdict is Verdict.UNKNOWN
