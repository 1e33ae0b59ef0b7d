"""The control API and the state file (X11)."""

import asyncio
import json
import time

import pytest
import requests

from braze_assets.emulator.control import control_app
from braze_assets.emulator.state import load_state, save_state
from braze_assets.errors import ConfigurationError
from braze_assets_tests.emulator.helpers import held, put, send, workspace
from braze_assets_tests.emulator.test_faults import post

PROFILES = [
    {"external_id": "a", "attributes": {"tier": "gold", "email": "a@example.com", "note": "ä\n\u2028"}},
    {
        "external_id": "b",
        "braze_id": "0b",
        "user_aliases": [{"alias_name": "n", "alias_label": "l"}],
        "attributes": {"food": ["x"]},
        "events": {"seen": {"count": 1, "first": "2026-11-22", "last": "2026-11-22", "recent": []}},
    },
    {"external_id": None, "braze_id": "0c", "attributes": {}},
]


def test_seed_and_read_back(braze):
    assert braze.control.seed(PROFILES) == 3
    read = list(braze.control.profiles())
    assert [{**profile, "braze_id": None} for profile in read] == [
        {**profile, "braze_id": None} for profile in PROFILES
    ]
    assert braze.control.attributes("a") == PROFILES[0]["attributes"]
    assert braze.control.profile(braze_id="0c")["external_id"] is None
    assert braze.control.profile(alias_name="n", alias_label="l")["external_id"] == "b"
    assert braze.control.profile("nobody") is None
    assert braze.control.attributes("nobody") is None


def test_seeding_again_replaces(braze):
    braze.control.seed(PROFILES)
    braze.control.seed([{"external_id": "a", "attributes": {"tier": "silver"}}])
    assert braze.control.counters()["profiles"] == 3
    assert braze.control.attributes("a") == {"tier": "silver"}


@pytest.mark.parametrize(
    "line",
    [b"{", b"[]", b'{"external_id":5}', b'{"external_id":"a","tier":1}', b'{"attributes":[]}', b"null"],
)
def test_a_bad_seed_names_the_line(braze, line):
    response = requests.post(
        f"{braze.url}/_control/profiles", data=b'{"external_id":"a"}\n\n' + line, timeout=5
    )
    assert response.status_code == 400
    assert "line 3" in response.json()["error"]


def test_a_hundred_thousand_profiles(braze):
    """Seeding has to be quick enough for a benchmark to start with it."""
    attributes = {f"attribute_{n}": n for n in range(10)}
    started = time.monotonic()
    assert (
        braze.control.seed({"external_id": f"user-{n}", "attributes": attributes} for n in range(100_000))
        == 100_000
    )
    assert time.monotonic() - started < 30
    assert sum(1 for _ in braze.control.profiles()) == 100_000


def test_settings(braze):
    assert braze.control.settings()["latency_ms"] == 0
    assert braze.control.settings(latency_ms=80)["latency_ms"] == 80
    started = time.monotonic()
    post(braze, "u")
    assert time.monotonic() - started > 0.079
    braze.control.reset_settings()
    assert braze.control.settings()["latency_ms"] == 0
    with pytest.raises(ConfigurationError, match="latencyms"):
        braze.control.settings(latencyms=1)
    with pytest.raises(ConfigurationError, match="latency_ms"):
        braze.control.settings(latency_ms=-1)


def test_settings_do_not_show_the_key(braze):
    assert braze.api_key not in requests.get(f"{braze.url}/_control/settings", timeout=5).text


def test_counters(braze):
    post(braze, "a", "b", "")
    post(braze, "a", path="/nothing")
    counters = braze.control.counters()
    expected = {"requests": 2, "objects": 3, "accepted": 2, "rejected": 1, "data_points": 2, "profiles": 2}
    assert {name: counters[name] for name in expected} == expected
    assert counters["statuses"] == {"201": 1, "404": 1}
    assert counters["paths"] == {"/users/track": 1, "/nothing": 1}
    braze.control.reset_counters()
    assert braze.control.counters()["requests"] == 0


def test_waiting_until_applied(braze):
    braze.control.settings(apply_delay_ms=150)
    post(braze, "u")
    assert braze.control.counters()["pending"] == 1
    assert braze.control.profile("u") is None
    with pytest.raises(TimeoutError):
        braze.control.wait_until_applied(timeout=0.01)
    braze.control.wait_until_applied()
    assert braze.control.attributes("u") == {"tier": "gold"}
    post(braze, "v")
    braze.control.apply_now()
    assert braze.control.profile("v") is not None


def test_recorded_requests_have_no_key(braze):
    braze.control.settings(record_requests=2)
    for user in ("a", "b", "c"):
        post(braze, user)
    recorded = braze.control.recorded()
    assert [json.loads(one["body"])["attributes"][0]["external_id"] for one in recorded] == ["b", "c"]
    assert recorded[0]["headers"]["content-type"] == "application/json"
    assert braze.api_key not in json.dumps(recorded)


def test_what_took_effect_is_told_in_that_order(braze):
    braze.control.settings(record_applied=2)
    braze.control.fault(effect="reset", when="after", nth=(2,))
    braze.control.fault(effect="reset", when="before", nth=(3,))
    for user in ("a", "b", "c", "d"):
        try:
            post(braze, user)
        except requests.ConnectionError:
            assert user in "bc"
    applied = braze.control.applied()
    assert [(one["attributes"][0]["external_id"], one["heard"]) for one in applied] == [
        ("b", False),
        ("d", True),
    ]
    assert json.loads(applied[0]["body"])["attributes"] == applied[0]["attributes"]


def test_save_without_a_state_file(braze):
    with pytest.raises(ConfigurationError, match="without a state file"):
        braze.control.save()


def test_half_a_surrogate_pair_does_no_harm(braze):
    headers = {"Authorization": f"Bearer {braze.api_key}", "Content-Type": "application/json"}
    body = b'{"attributes":[{"external_id":"u","note":"\\ud800"}]}'
    requests.post(braze.url + "/users/track", data=body, headers=headers, timeout=5)
    assert braze.control.attributes("u") == {"note": "\ud800"}
    assert [profile["external_id"] for profile in braze.control.profiles()] == ["u"]


def test_only_loopback_may_control():
    sent = []

    async def receive():
        return {"type": "http.request", "body": b""}

    async def send_(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/_control/counters",
        "query_string": b"",
        "headers": [],
    }
    app = control_app(workspace())
    asyncio.run(app({**scope, "client": ("10.1.2.3", 5)}, receive, send_))
    asyncio.run(app({**scope, "client": ("127.0.0.1", 5)}, receive, send_))
    assert [message["status"] for message in sent if "status" in message] == [403, 200]


class TestStateFile:
    def test_there_and_back(self, tmp_path):
        space = workspace(apply_delay_ms=50)
        put_later = {"external_id": "late", "tier": 1}
        send(space, put_later)  # what is pending is applied first
        space.configure(space.settings.changed({"apply_delay_ms": 0}))
        put(space, tier="gold", at="2026-11-22", email="u@example.com")
        send(space, events=[{"external_id": "u", "name": "seen", "time": "2026-11-22"}])
        path = tmp_path / "deep" / "state.jsonl"
        assert save_state(space, path) == 2
        other = workspace()
        put(other, forgotten=True)
        assert load_state(other, path) == 2
        documents = [[profile.document() for profile in one.profiles] for one in (space, other)]
        assert documents[0] == documents[1]
        assert other.applier.types == {"tier": "String", "at": "Time"}
        send(other, {"email": "u@example.com", "found": True}, {"external_id": "brand-new"})
        assert held(other)["found"] is True
        assert len(other.profiles) == 3  # its braze_id collides with none

    @pytest.mark.parametrize(
        "content", [b"", b"{}", b"[]", b"PAR1", b'{"format":"braze_assets.emulator/1"}\n{']
    )
    def test_another_file_is_refused(self, tmp_path, content):
        path = tmp_path / "state"
        path.write_bytes(content)
        with pytest.raises(ConfigurationError, match="cannot be read"):
            load_state(workspace(), path)
