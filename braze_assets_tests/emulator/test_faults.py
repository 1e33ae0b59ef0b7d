"""Faults on demand, over real connections (X11)."""

import time
from typing import Any

import pytest
import requests

from braze_assets.emulator import LocalBraze
from braze_assets.errors import ConfigurationError


def post(braze: LocalBraze, *users: str, timeout: float = 5, path: str = "/users/track") -> requests.Response:
    return requests.post(
        braze.url + path,
        json={"attributes": [{"external_id": user, "tier": "gold"} for user in users]},
        headers={"Authorization": f"Bearer {braze.api_key}"},
        timeout=timeout,
    )


def known(braze: LocalBraze, user: str) -> bool:
    return braze.control.profile(user) is not None


@pytest.mark.parametrize("status", [400, 401, 413, 500, 502, 503, 504])
def test_a_status_before_the_request_takes_effect(braze, status):
    braze.control.fault(status=status)
    response = post(braze, "u")
    assert (response.status_code, response.json()) == (status, {"message": f"Fault {status}"})
    assert not known(braze, "u")


def test_a_status_after_the_request_took_effect(braze):
    braze.control.fault(status=503, when="after")
    assert post(braze, "u").status_code == 503
    assert known(braze, "u")


def test_bodies(braze):
    braze.control.fault(status=502, body="html", nth=[1])
    braze.control.fault(status=200, body="empty", nth=[2])
    braze.control.fault(status=201, document={"message": "queued"}, headers={"X-Extra": "1"}, nth=[3])
    html, empty, own = (post(braze, "u") for _ in range(3))
    assert html.headers["content-type"] == "text/html"
    assert html.text.startswith("<html>")
    assert (empty.status_code, empty.content) == (200, b"")
    assert (own.json(), own.headers["x-extra"]) == ({"message": "queued"}, "1")


def test_429(braze):
    braze.control.fault(status=429, seconds=7, nth=[1])
    braze.control.fault(status=429, headers={"X-RateLimit-Reset": "1790000000"}, nth=[2])
    newer, classic = post(braze, "u"), post(braze, "u")
    assert (newer.status_code, newer.headers["x-ratelimit-retry-after"]) == (429, "7")
    assert "x-ratelimit-reset" not in newer.headers
    assert (classic.status_code, classic.headers["x-ratelimit-reset"]) == (429, "1790000000")
    assert "x-ratelimit-retry-after" not in classic.headers
    assert braze.control.counters()["rate_limited"] == 2


@pytest.mark.parametrize(("when", "applied"), [("before", False), ("after", True)])
def test_reset(braze, when, applied):
    braze.control.fault(effect="reset", when=when)
    with pytest.raises(requests.ConnectionError, match="reset"):
        post(braze, "u")
    assert known(braze, "u") == applied


@pytest.mark.parametrize(("when", "applied"), [("before", False), ("after", True)])
def test_timeout(braze, when, applied):
    braze.control.fault(effect="timeout", when=when)
    with pytest.raises(requests.ReadTimeout):
        post(braze, "u", timeout=0.2)
    assert known(braze, "u") == applied
    assert braze.control.counters()["statuses"] == {"0": 1}


def test_delay(braze):
    braze.control.fault(effect="delay", seconds=0.3)
    started = time.monotonic()
    assert post(braze, "u").status_code == 201
    assert time.monotonic() - started > 0.29


def test_counts_that_do_not_add_up(braze):
    extra = {"index": 75, "input_array": "attributes", "type": "out of range"}
    braze.control.fault(effect="miscount", miscount=-1, extra_errors=[extra])
    document = post(braze, "a", "b").json()
    assert (document["attributes_processed"], document["errors"]) == (1, [extra])


def test_poison(braze):
    """A user whose presence spoils the whole request, without telling which it is."""
    braze.control.fault(status=400, identifier="bäd")
    assert post(braze, "a", "b").status_code == 201
    response = post(braze, "c", "bäd", "d")
    assert response.status_code == 400
    assert "errors" not in response.json()
    assert not known(braze, "c")
    raw = '{"attributes":[{"external_id":"bäd"}]}'.encode()  # not escaped
    headers = {"Authorization": f"Bearer {braze.api_key}", "Content-Type": "application/json"}
    assert requests.post(braze.url + "/users/track", data=raw, headers=headers, timeout=5).status_code == 400
    assert post(braze, "bä", "ä").status_code == 201


def statuses(braze: LocalBraze, number: int, **options: Any) -> list[int]:
    return [post(braze, "u", **options).status_code for _ in range(number)]


def test_nth_and_count(braze):
    braze.control.fault(status=500, nth=[2, 4])
    assert statuses(braze, 5) == [201, 500, 201, 500, 201]
    braze.control.clear_faults()
    number = braze.control.fault(status=503, count=2)
    assert statuses(braze, 4) == [503, 503, 201, 201]
    (fault,) = braze.control.faults()
    assert (fault["id"], fault["matched"], fault["fired"]) == (number, 4, 2)
    assert braze.control.counters()["faults"] == 4


def test_probability_is_seeded(braze):
    def run() -> list[int]:
        braze.control.clear()
        braze.control.fault(status=500, probability=0.5)
        return statuses(braze, 20)

    first = run()
    assert first == run()
    assert 3 < first.count(500) < 17


def test_paths(braze):
    braze.control.fault(status=500, path="/users/export/ids")
    assert post(braze, "u").status_code == 201
    assert post(braze, "u", path="/users/export/ids").status_code == 500
    braze.control.clear_faults()
    braze.control.fault(status=500, path=None)
    assert post(braze, "u", path="/anything").status_code == 500


def test_a_wrong_fault_says_so(braze):
    with pytest.raises(ConfigurationError, match="effect"):
        braze.control.fault(effect="explode")
