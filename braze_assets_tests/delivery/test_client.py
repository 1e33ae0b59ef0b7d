"""K01, K04: what can be wrong with a connection is told apart, and the key is never shown."""

import pickle
import socket
import threading
from collections.abc import Iterator

import pytest

from braze_assets.delivery.client import BrazeClient
from braze_assets.delivery.no_reply import NoReplyError
from braze_assets.delivery.settings import DeliverySettings
from braze_assets.emulator.process import LocalBraze
from braze_assets.errors import ConfigurationError, DeliveryError
from braze_assets_tests.delivery.harness import FAST, KEY


def check(url: str, key: str = KEY) -> None:
    with BrazeClient(endpoint=url, api_key=key, settings=FAST, key_place="MY_KEY") as client:
        client.check_connection()


def test_a_good_connection_is_good_and_writes_nothing(braze: LocalBraze) -> None:
    check(braze.url)
    check(braze.url + "/")
    counters = braze.control.counters()
    assert (counters["objects"], counters["profiles"]) == (0, 0)


def test_a_wrong_key_names_both_causes_and_where_the_key_came_from(braze: LocalBraze) -> None:
    with pytest.raises(DeliveryError) as failed:
        check(braze.url, "some-other-key-9876")
    text = str(failed.value)
    assert "key is wrong" in text
    assert "instance" in text
    assert "MY_KEY" in text
    assert "some-other-key-9876" not in text


@pytest.mark.parametrize("status", [401, 403])
def test_a_missing_permission_is_named(braze: LocalBraze, status: int) -> None:
    braze.control.settings(permissions=("users.export.ids",), missing_permission_status=status)
    with pytest.raises(DeliveryError, match=r"users\.track" if status == 403 else "key"):
        check(braze.url)


def test_an_unknown_host_is_a_matter_of_dns() -> None:
    with pytest.raises(NoReplyError, match="DNS") as failed:
        check("https://rest.no-such-instance.invalid")
    assert not failed.value.sent


def test_nobody_listening_is_said_so() -> None:
    with pytest.raises(NoReplyError, match="nothing listens") as failed:
        check("http://127.0.0.1:1")
    assert not failed.value.sent
    assert not failed.value.permanent


@pytest.fixture
def odd_server() -> Iterator[tuple[str, list[bytes]]]:
    """A server that reads a request and answers with what `reply[0]` holds; nothing means it hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))
    reply: list[bytes] = [b""]

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65_536)
                connection.sendall(reply[0])

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", reply
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def test_a_connection_that_breaks_may_have_been_heard(odd_server: tuple[str, list[bytes]]) -> None:
    with pytest.raises(NoReplyError) as failed:
        check(odd_server[0])
    assert failed.value.sent


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "HTTP 302"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>", "not Braze"),
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "not Braze"),
        (b'HTTP/1.1 404 Not Found\r\nContent-Length: 25\r\n\r\n{"message":"Invalid URL"}\n', "URL"),
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "does not work at the moment"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", "connection"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", "without a reply"),
        (b"nonsense\r\n\r\n", "connection"),
    ],
)
def test_what_is_not_braze_is_told_apart(
    odd_server: tuple[str, list[bytes]], reply: bytes, said: str
) -> None:
    odd_server[1][0] = reply
    with pytest.raises(DeliveryError, match=said):
        check(odd_server[0])


def test_a_redirect_is_not_followed_with_the_key(
    odd_server: tuple[str, list[bytes]], braze: LocalBraze
) -> None:
    location = f"Location: {braze.url}/users/track".encode()
    odd_server[1][0] = b"HTTP/1.1 307 Temporary Redirect\r\n" + location + b"\r\nContent-Length: 0\r\n\r\n"
    with pytest.raises(DeliveryError):
        check(odd_server[0])
    assert braze.control.counters()["requests"] == 0


def test_the_environment_cannot_send_the_key_elsewhere(
    braze: LocalBraze, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    check(braze.url)
    proxied = DeliverySettings(proxy="http://127.0.0.1:1", connect_timeout=1, read_timeout=1)
    with (
        pytest.raises(NoReplyError, match="proxy"),
        BrazeClient(endpoint=braze.url, api_key=KEY, settings=proxied) as client,
    ):
        client.check_connection()


@pytest.mark.parametrize("key", ["", "   ", "two words", "line\nbreak", "ключ"])
def test_a_key_that_cannot_be_one_names_the_variable(key: str) -> None:
    with pytest.raises(ConfigurationError) as failed:
        BrazeClient(endpoint="https://rest.iad-01.braze.com", api_key=key, key_place="MY_KEY")
    assert "MY_KEY" in str(failed.value)
    assert not key.strip() or key not in str(failed.value)


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "US-03",
        "rest.iad-01.braze.com",
        "ftp://rest.iad-01.braze.com",
        "https://rest.iad-01.braze.com/users",
        "https://user:pass@rest.iad-01.braze.com",
        "https://rest.iad-01.braze.com:notaport",
        "http://rest.iad-01.braze.com",
    ],
)
def test_an_endpoint_that_cannot_be_one_is_refused(endpoint: str) -> None:
    with pytest.raises(ConfigurationError):
        BrazeClient(endpoint=endpoint, api_key=KEY)


def test_the_key_is_not_in_its_client() -> None:
    client = BrazeClient(endpoint="https://rest.iad-01.braze.com", api_key=KEY)
    assert KEY not in repr(client) + str(client)
    with pytest.raises(TypeError):
        pickle.dumps(client)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="max_attempts"):
        DeliverySettings(max_attempts=0)
    with pytest.raises(ConfigurationError, match="backoff_base"):
        DeliverySettings(backoff_base=-1)
