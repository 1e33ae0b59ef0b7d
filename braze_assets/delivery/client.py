"""The HTTP client of one Braze workspace."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from braze_assets.braze.replies import Verdict, read_reply
from braze_assets.delivery.no_reply import DeniedError, NoReplyError, no_reply
from braze_assets.delivery.settings import DeliverySettings
from braze_assets.delivery.wire import Connections, HttpReply, NotConnected
from braze_assets.errors import ConfigurationError, DeliveryError

__all__ = ["BrazeClient", "HttpReply"]

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_TRACK = "/users/track"


class BrazeClient:
    """Requests to Braze's REST API over kept-alive connections, from any number of threads.

    Redirects are not followed (a POST would turn into a GET, and the key would travel), cookies are not
    kept, and nothing is read from the environment (see `DeliverySettings.proxy`).

    Args:
        endpoint: REST endpoint, such as `https://rest.iad-01.braze.com`.
        api_key: REST API key. It is never shown: not in `repr`, not in errors.
        settings: Timeouts and connections.
        key_place: Where the key came from, for messages: an environment variable, a secret's name.

    Raises:
        ConfigurationError: The endpoint or the key cannot be right.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        api_key: str,
        settings: DeliverySettings | None = None,
        key_place: str = "BRAZE_API_KEY",
    ) -> None:
        self.settings = settings or DeliverySettings()
        self.endpoint = _checked_endpoint(endpoint)
        self.secrets = (_checked_key(api_key, key_place),)
        self._key_place = key_place
        self._session = self._open_session(self.secrets[0])
        self._connections = Connections(self.endpoint, _TRACK, _headers(self.secrets[0]), self.settings)

    def __repr__(self) -> str:
        return f"BrazeClient(endpoint={self.endpoint!r})"

    def __reduce__(self) -> Any:
        raise TypeError("a BrazeClient holds a key and open connections and is not to be stored")

    def __enter__(self) -> "BrazeClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._session.close()
        self._connections.close()

    def track(self, body: bytes) -> HttpReply:
        """POST a ready-made body to `/users/track` (permission `users.track`).

        Raises:
            NoReplyError: No reply came; `sent` says whether Braze may have taken the request.
        """
        if self.settings.proxy:
            return self._send(_TRACK, body)
        try:
            return self._connections.post(body)
        except NotConnected as error:
            failure = no_reply(error.__cause__ or error, self.endpoint)
            failure.sent = False
        except (urllib3.exceptions.HTTPError, OSError) as error:
            failure = no_reply(error, self.endpoint)
        # Not chained: what libraries put into their messages is not ours to vouch for.
        raise failure from None

    def export_ids(self, *, identifiers: Mapping[str, Any], fields: Sequence[str]) -> HttpReply:
        """Read profiles back through `/users/export/ids` (permission `users.export.ids`).

        Args:
            identifiers: `external_ids` or `user_aliases` with a list of at most 50, or one `braze_id`.
            fields: `fields_to_export`; required for newer customers, and it makes the rate limit higher.

        Raises:
            NoReplyError: No reply came.
        """
        body = json.dumps({**identifiers, "fields_to_export": list(fields)}).encode()
        return self._send("/users/export/ids", body)

    def list_segments(self, page: int) -> HttpReply:
        """One page of `/segments/list`, from 0 (permission `segments.list`; 100 segments a page).

        Raises:
            NoReplyError: No reply came.
        """
        return self._send(f"/segments/list?page={page}", None)

    def check_connection(self) -> None:
        """Ask Braze whether it would take attributes, without sending any.

        A request without objects is refused with a 400, but only after key, instance and permission were
        looked at; nothing is written.

        Raises:
            DeliveryError: It would not; the message tells a wrong key or instance (which Braze does not
                tell apart), a missing permission, an unknown host name, an unreachable host and a host that
                is not Braze's apart.
        """
        reply = self.track(b'{"attributes":[]}')
        read = read_reply(
            reply.status,
            reply.headers,
            reply.body,
            sent=1,
            now=datetime.now(timezone.utc),
            secrets=self.secrets,
        )
        if read.verdict is Verdict.FATAL:
            place = f"{self.endpoint}, key from {self._key_place}"
            raise DeniedError(f"{read.reason}.", place=place, remedy=read.remedy, status=reply.status)
        if read.verdict is Verdict.RETRY and reply.status != 429:
            raise NoReplyError(
                f"The instance does not work at the moment ({read.reason}).",
                place=self.endpoint,
                remedy="Try again later; Braze's status page tells of incidents.",
                sent=False,
            )
        if not _is_brazes(reply.body):
            raise DeliveryError(
                f"What answers there is not Braze's REST API (HTTP {reply.status} without a JSON message).",
                place=self.endpoint,
                remedy="Give the instance's REST endpoint, not the dashboard's address, or look for a proxy.",
            )

    def _open_session(self, key: str) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=self.settings.in_flight_max, max_retries=0)
        session.mount("https://", adapter)
        session.mount("http://", adapter)
        session.headers.update(_headers(key))
        return session

    def _send(self, path: str, body: bytes | None) -> HttpReply:
        settings = self.settings
        try:
            reply = self._session.request(
                "GET" if body is None else "POST",
                # No slash at the end: Braze documents 403 for it.
                self.endpoint + path,
                data=body,
                timeout=(settings.connect_timeout, settings.read_timeout),
                allow_redirects=False,
                proxies={"http": settings.proxy, "https": settings.proxy} if settings.proxy else {},
                verify=settings.ca_bundle or True,
            )
            return HttpReply(reply.status_code, reply.headers, reply.content)
        except (
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            HTTPException,
            OSError,
            UnicodeError,
        ) as error:
            # Not chained: what libraries put into their messages is not ours to vouch for.
            raise no_reply(error, self.endpoint) from None


def _headers(key: str) -> dict[str, str]:
    return {
        "User-Agent": "braze-assets",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
        "Authorization": f"Bearer {key}",
    }


def _checked_key(key: str, place: str) -> str:
    key = key.strip()
    if not key:
        raise ConfigurationError(
            "The Braze REST API key is not set.",
            place=place,
            remedy=f"Set {place} to a REST API key with the permission 'users.track'.",
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError(
            "The Braze REST API key has characters that no key has.",
            place=place,
            remedy="Copy the key again, without line breaks, blanks and quotation marks.",
        )
    return key


def _checked_endpoint(endpoint: str) -> str:
    try:
        parts = urlsplit(endpoint.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    more = host and (parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc)
    if not host or more or parts.scheme not in ("http", "https"):
        raise ConfigurationError(
            "The instance is not the URL of a REST endpoint.",
            place="instance",
            remedy="Give it as https://rest.iad-01.braze.com, without a path.",
        )
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise ConfigurationError(
            "The instance is reached without TLS: the API key could be read on the way.",
            place=f"http://{host}",
            remedy="Use https. Plain http is for a local Braze on this machine only.",
        )
    return f"{parts.scheme}://{parts.netloc}"


def _is_brazes(body: bytes) -> bool:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and isinstance(document.get("message", document.get("error")), str)
