"""Braze's instances: which REST endpoint belongs to which dashboard.

Source: Braze documentation "API overview" and "Braze SDK endpoints", September 2026. There is no US-09.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from braze_assets.errors import ConfigurationError

__all__ = ["INSTANCES", "Instance", "resolve_instance"]


@dataclass(frozen=True)
class Instance:
    """One instance of Braze. URLs have a scheme and no slash at the end."""

    name: str
    """Braze's id, such as `US-03`; `local` for a local Braze."""
    dashboard_url: str
    rest_url: str
    sdk_url: str


def _numbered(region: str, number: int, domain: str, cluster: str) -> Instance:
    """The older instances: `dashboard-03.braze.com` with `rest.iad-03.braze.com`."""
    return Instance(
        f"{region}-{number:02}",
        f"https://dashboard-{number:02}.{domain}",
        f"https://rest.{cluster}-{number:02}.{domain}",
        f"https://sdk.{cluster}-{number:02}.{domain}",
    )


def _named(name: str) -> Instance:
    """The newer instances: `dashboard.us-10.braze.com` with `rest.us-10.braze.com`."""
    hosts = (f"https://{service}.{name.lower()}.braze.com" for service in ("dashboard", "rest", "sdk"))
    return Instance(name, *hosts)


INSTANCES: tuple[Instance, ...] = (
    *(_numbered("US", number, "braze.com", "iad") for number in range(1, 9)),
    _named("US-10"),
    *(_numbered("EU", number, "braze.eu", "fra") for number in (1, 2)),
    *(_named(name) for name in ("AU-01", "ID-01", "JP-01", "KR-01")),
)
"""All fifteen."""

_BY_NAME = {instance.name.lower(): instance for instance in INSTANCES}
_BY_HOST = {
    urlsplit(url).hostname: instance
    for instance in INSTANCES
    for url in (instance.dashboard_url, instance.rest_url, instance.sdk_url)
}


def resolve_instance(text: str) -> Instance:
    """The instance that somebody means.

    Args:
        text: An id (`US-03`), or a dashboard, REST or SDK URL, in any case, with or without scheme, path and
            slash at the end. A loopback URL (`http://127.0.0.1:8099`) is a local Braze.

    Raises:
        ConfigurationError: No instance has this id or host; the message lists the known ones. Also for plain
            HTTP to a real instance, which would carry the key in the open.
    """
    given = text.strip()
    if (named := _BY_NAME.get(given.lower())) is not None:
        return named
    parts = _split(given)
    if parts is None or not parts.hostname:
        raise _unknown(given)
    host = parts.hostname.rstrip(".")
    if (known := _BY_HOST.get(host)) is not None:
        if parts.scheme == "http":
            raise ConfigurationError(
                "The URL of the Braze instance starts with http:, so the API key would travel unprotected.",
                place=host,
                remedy=f"Write https://{host}, or the id {known.name}.",
            )
        return known
    if _is_loopback(host):
        scheme = parts.scheme or "http"
        url = f"{scheme}://{parts.netloc.lower()}"
        return Instance("local", url, url, url)
    raise _unknown(host)


def _split(text: str) -> SplitResult | None:
    """The parts of a URL, whose scheme may be missing; `None` if it is none, or has a user in it."""
    try:
        parts = urlsplit(text if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*://", text) else f"//{text}")
        _ = parts.port  # raises where it is no number
    except ValueError:
        return None
    return parts if parts.scheme in ("", "http", "https") and "@" not in parts.netloc else None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _unknown(text: str) -> ConfigurationError:
    # What was given may be anything, a key pasted into the wrong variable too: only a host is repeated.
    host = text.lower() if re.fullmatch(r"(?i)(?:[a-z0-9-]+\.)+[a-z]+|[a-z]{2}-\d{1,2}", text) else None
    known = ", ".join(f"{instance.name} ({urlsplit(instance.rest_url).netloc})" for instance in INSTANCES)
    return ConfigurationError(
        f"There is no Braze instance {host}." if host else "This is no Braze instance.",
        place="the setting of the Braze instance",
        remedy=f"Give an id or the URL of its dashboard or REST endpoint. Known: {known}.",
    )
