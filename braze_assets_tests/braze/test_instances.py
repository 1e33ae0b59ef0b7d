"""Instances (K02): every spelling leads to the right endpoints, and an unknown one says which there are."""

import pytest

from braze_assets.braze.instances import INSTANCES, Instance, resolve_instance
from braze_assets.errors import ConfigurationError

TABLE = {
    "US-01": ("dashboard-01.braze.com", "rest.iad-01.braze.com", "sdk.iad-01.braze.com"),
    "US-02": ("dashboard-02.braze.com", "rest.iad-02.braze.com", "sdk.iad-02.braze.com"),
    "US-03": ("dashboard-03.braze.com", "rest.iad-03.braze.com", "sdk.iad-03.braze.com"),
    "US-04": ("dashboard-04.braze.com", "rest.iad-04.braze.com", "sdk.iad-04.braze.com"),
    "US-05": ("dashboard-05.braze.com", "rest.iad-05.braze.com", "sdk.iad-05.braze.com"),
    "US-06": ("dashboard-06.braze.com", "rest.iad-06.braze.com", "sdk.iad-06.braze.com"),
    "US-07": ("dashboard-07.braze.com", "rest.iad-07.braze.com", "sdk.iad-07.braze.com"),
    "US-08": ("dashboard-08.braze.com", "rest.iad-08.braze.com", "sdk.iad-08.braze.com"),
    "US-10": ("dashboard.us-10.braze.com", "rest.us-10.braze.com", "sdk.us-10.braze.com"),
    "EU-01": ("dashboard-01.braze.eu", "rest.fra-01.braze.eu", "sdk.fra-01.braze.eu"),
    "EU-02": ("dashboard-02.braze.eu", "rest.fra-02.braze.eu", "sdk.fra-02.braze.eu"),
    "AU-01": ("dashboard.au-01.braze.com", "rest.au-01.braze.com", "sdk.au-01.braze.com"),
    "ID-01": ("dashboard.id-01.braze.com", "rest.id-01.braze.com", "sdk.id-01.braze.com"),
    "JP-01": ("dashboard.jp-01.braze.com", "rest.jp-01.braze.com", "sdk.jp-01.braze.com"),
    "KR-01": ("dashboard.kr-01.braze.com", "rest.kr-01.braze.com", "sdk.kr-01.braze.com"),
}


def test_there_are_fifteen_and_no_us_09():
    assert [instance.name for instance in INSTANCES] == list(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_every_spelling_resolves_both_ways(name):
    """K02: id, dashboard, REST, SDK; any case; with and without scheme, slash, path."""
    dashboard, rest, sdk = (f"https://{host}" for host in TABLE[name])
    expected = Instance(name, dashboard, rest, sdk)
    spellings = [name, name.lower(), f" {name}\n"]
    for host in TABLE[name]:
        spellings += [host, host.upper(), f"{host}/", f"https://{host}", f"HTTPS://{host.upper()}/"]
        spellings += [f"https://{host}/users/track", f"https://{host}:443/", f"https://{host}/?locale=en"]
    for spelling in spellings:
        assert resolve_instance(spelling) == expected, spelling


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://127.0.0.1:8099", "http://127.0.0.1:8099"),
        ("http://localhost:8099/", "http://localhost:8099"),
        ("LOCALHOST:8099", "http://localhost:8099"),
        ("127.0.0.1:8099", "http://127.0.0.1:8099"),
        ("http://[::1]:80/x", "http://[::1]:80"),
    ],
)
def test_loopback_is_the_local_braze(text, url):
    assert resolve_instance(text) == Instance("local", url, url, url)


@pytest.mark.parametrize("text", ["US-09", "https://rest.iad-09.braze.com", "rest.iad-03.braze.com.evil.org"])
def test_an_unknown_host_lists_the_known_ones(text):
    with pytest.raises(ConfigurationError) as caught:
        resolve_instance(text)
    message = str(caught.value)
    assert text.removeprefix("https://").lower() in message
    for name, (_, rest, _) in TABLE.items():
        assert name in message
        assert rest in message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "http://",
        "https://user:secret@rest.iad-03.braze.com",
        "ftp://rest.iad-03.braze.com",
        "a:b:c",
        "c0ffee00-dead-beef-0000-secret",
        "http://[::1",
        "http://10.0.0.1:8099",
        "https://x:secret",
    ],
)
def test_what_is_no_instance_is_not_repeated(text):
    """A key pasted into the wrong variable must not reach a log."""
    with pytest.raises(ConfigurationError) as caught:
        resolve_instance(text)
    assert "secret" not in str(caught.value)


def test_plain_http_to_a_real_instance_is_refused():
    with pytest.raises(ConfigurationError, match="unprotected"):
        resolve_instance("http://rest.iad-03.braze.com")
