"""Key, permission, path, size, content type, rate limits (X11)."""

import json

import pytest

from braze_assets.emulator.endpoints import answer
from braze_assets.emulator.http import Call
from braze_assets_tests.emulator.helpers import Clock, call, send, workspace

BODY = json.dumps({"attributes": [{"external_id": "u"}]}).encode()
JSON = {b"content-type": b"application/json"}


def headers(space, **changes: bytes) -> dict[bytes, bytes]:
    return {
        b"authorization": space.authorization,
        **JSON,
        **{key.encode(): value for key, value in changes.items()},
    }


def test_a_wrong_key_is_repeated_in_the_401():
    """Measured; which is why a client has to redact it."""
    space = workspace()
    reply = answer(space, Call("POST", "/users/track", BODY, headers(space, authorization=b"Bearer my-key")))
    assert (reply.status, json.loads(reply.body)) == (401, {"message": "Invalid API key: my-key"})
    assert answer(space, Call("POST", "/users/track", BODY, JSON)).status == 401
    assert (
        answer(space, Call("POST", "/users/track", BODY, headers(space, authorization=b"my-key"))).status
        == 401
    )
    assert len(space.profiles) == 0


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_without_the_permission(status):
    space = workspace(permissions=("users.export.ids",), missing_permission_status=status)
    assert send(space, {"external_id": "u"})["status"] == status
    assert call(space, "/users/export/ids", {"external_ids": ["u"]}).status == 201


def test_paths():
    space = workspace()
    reply = call(space, "/users/nothing", {})
    assert (reply.status, json.loads(reply.body)) == (404, {"message": "Invalid URL"})
    assert call(space, "/users/track/", {}).status == 403
    assert call(space, "/users/track", {}, method="GET").status == 404


@pytest.mark.parametrize("kind", [b"text/plain", b"", b"application/x-www-form-urlencoded"])
def test_another_content_type(kind):
    space = workspace()
    asked = {b"authorization": space.authorization, b"content-type": kind}
    assert answer(space, Call("POST", "/users/track", BODY, asked)).status == 415


@pytest.mark.parametrize(
    "body", [b"", b"{", b"{'a':1}", b'{"a":NaN}', b"\xff\xfe{}", b'{"attributes":' + b"[" * 100_000]
)
def test_bad_json(body):
    reply = call(workspace(), "/users/track", body)
    assert reply.status == 400
    assert b"Please check your syntax" in reply.body


def test_too_large():
    space = workspace(bytes_per_request=len(BODY))
    assert call(space, "/users/track", BODY).status == 201
    assert call(space, "/users/track", BODY + b" ").status == 413


def limits(reply) -> dict[str, int]:
    return {name.decode(): int(value) for name, value in reply.headers if name.startswith(b"x-ratelimit")}


class TestRateLimits:
    def test_classic(self):
        """Headers on every answer, the reset as epoch seconds; a new window has room again."""
        clock = Clock(3000.5)
        space = workspace(clock, requests_per_window=2, window_seconds=3)
        first, second, third = (call(space, "/users/track", BODY) for _ in range(3))
        assert [reply.status for reply in (first, second, third)] == [201, 201, 429]
        expected = {"x-ratelimit-limit": 2, "x-ratelimit-remaining": 1, "x-ratelimit-reset": 3003}
        assert limits(first) == expected
        assert limits(third) == {**expected, "x-ratelimit-remaining": 0}
        clock.at = 3003
        assert call(space, "/users/track", BODY).status == 201

    def test_newer_contracts(self):
        """The reset in seconds, for the hour; a 429 says only when to come back."""
        clock = Clock(7200 + 3590)
        space = workspace(clock, rate_headers="mau", requests_per_window=2, requests_per_hour=3)
        first = call(space, "/users/track", BODY)
        assert limits(first) == {"x-ratelimit-limit": 3, "x-ratelimit-remaining": 2, "x-ratelimit-reset": 10}
        call(space, "/users/track", BODY)
        assert limits(call(space, "/users/track", BODY)) == {"x-ratelimit-retry-after": 1}
        clock.at += 3
        assert call(space, "/users/track", BODY).status == 201
        assert limits(call(space, "/users/track", BODY)) == {"x-ratelimit-retry-after": 7}
        clock.at = 10_800  # the clock hour
        assert call(space, "/users/track", BODY).status == 201

    def test_a_refused_request_has_no_effect(self):
        space = workspace(requests_per_window=1)
        send(space, {"external_id": "a"})
        assert send(space, {"external_id": "b"})["status"] == 429
        assert set(space.profiles.by_external_id) == {"a"}

    def test_off(self):
        space = workspace(requests_per_window=None)
        assert limits(call(space, "/users/track", BODY)) == {}

    def test_exports_with_fields_have_a_limit_of_their_own(self):
        clock = Clock(6000)
        space = workspace(clock, export_requests_per_minute=1, export_requests_per_second=2)
        light = {"external_ids": ["u"], "fields_to_export": ["custom_attributes"]}
        heavy = {"external_ids": ["u"], "fields_to_export": ["campaigns_received"]}
        assert [call(space, "/users/export/ids", body).status for body in (light, light, light)] == [
            201,
            201,
            429,
        ]
        assert [call(space, "/users/export/ids", body).status for body in (heavy, heavy)] == [201, 429]

    def test_identity_endpoints_share_one(self):
        space = workspace(identity_requests_per_minute=1)
        assert call(space, "/users/delete", {"external_ids": ["u"]}).status == 201
        assert call(space, "/users/merge", {"merge_updates": []}).status == 429


def test_count_only_counts_without_keeping():
    space = workspace(count_only=True)
    body = {"attributes": [{"external_id": f"u{n}", "tier": "external_id"} for n in range(75)]}
    reply = call(space, "/users/track", json.dumps(body, separators=(",", ":")).encode())
    document = json.loads(reply.body)
    assert (reply.status, document["message"]) == (201, "success")
    assert (len(space.profiles), space.counters.accepted) == (0, document["attributes_processed"])
    assert document["attributes_processed"] == 75
