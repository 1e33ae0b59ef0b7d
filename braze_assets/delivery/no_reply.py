"""When no reply comes: why, and whether Braze may have taken the request all the same."""

import ssl
from collections.abc import Iterator

import requests
import urllib3.exceptions as u3

from braze_assets.errors import DeliveryError

__all__ = ["DeniedError", "NoReplyError", "no_reply"]


class DeniedError(DeliveryError):
    """Braze answered, and will not take requests like this one until somebody changes something.

    Args:
        cause: What it said.
        place: The endpoint.
        remedy: What to look at.
        status: The HTTP status.
    """

    def __init__(self, cause: str, *, place: str, remedy: str, status: int) -> None:
        super().__init__(cause, place=place, remedy=remedy)
        self.status = status


class NoReplyError(DeliveryError):
    """A request went without an answer. Trying again may help.

    Args:
        cause: What happened.
        place: The endpoint.
        remedy: What to look at.
        sent: Whether Braze may have taken the request.
    """

    permanent = False

    def __init__(self, cause: str, *, place: str, remedy: str, sent: bool) -> None:
        super().__init__(cause, place=place, remedy=remedy)
        self.sent = sent


_NETWORK = "Check the network, the firewall and the proxy setting between here and Braze."


def no_reply(error: BaseException, endpoint: str) -> NoReplyError:
    """Tell apart what a failed request can mean. Nothing of the library's own message is passed on."""
    links = list(_links(error))

    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(link, kinds) for link in links)

    cause, remedy, sent = _other(error), _NETWORK, True
    if has(u3.NameResolutionError):
        cause, sent = "The host name is unknown: DNS has no such name, or does not answer", False
        remedy = "Check the instance for a typing mistake, then the name resolution of this machine."
    elif has(requests.exceptions.ProxyError, u3.ProxyError):
        cause, sent = "The proxy did not connect to Braze", False
        remedy = "Check the delivery setting 'proxy'."
    elif has(requests.exceptions.SSLError, u3.SSLError, ssl.SSLError):
        cause = "The TLS connection failed: the certificate is not trusted, or TLS is broken on the way"
        remedy = "Check the instance and the clock; behind a proxy that opens TLS set 'ca_bundle'."
        sent = not has(ssl.SSLCertVerificationError)
    elif has(ConnectionRefusedError):
        cause, sent = "The host refused the connection: nothing listens there", False
        remedy = "Check the instance (host and port); for a local Braze, start it first."
    elif has(u3.NewConnectionError):
        cause, sent = "The host cannot be reached", False
    elif has(requests.exceptions.ConnectTimeout, u3.ConnectTimeoutError):
        cause, sent = "The host did not answer in time to a connection", False
    elif has(requests.exceptions.ReadTimeout, u3.ReadTimeoutError, TimeoutError):
        cause = "No reply came in time"
    elif has(ConnectionResetError, BrokenPipeError, u3.ProtocolError):
        cause = "The connection broke before a reply came"
    return NoReplyError(f"{cause}.", place=endpoint, remedy=remedy, sent=sent)


def _other(error: BaseException) -> str:
    return f"The request failed without a reply ({type(error).__name__})"


def _links(error: BaseException) -> Iterator[BaseException]:
    """The error and everything it was made of; libraries put causes into `args` and `reason` too."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        link = waiting.pop()
        if not isinstance(link, BaseException) or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting += [*link.args, getattr(link, "reason", None), link.__cause__, link.__context__]
