"""A client of the control API."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import requests

from braze_assets.errors import ConfigurationError

__all__ = ["Control"]


class Control:
    """Steers and watches a local Braze over HTTP. Not safe to share between threads.

    Args:
        url: The local Braze, `http://127.0.0.1:8099` for example.
        timeout: Seconds until a call is given up.
    """

    def __init__(self, url: str, *, timeout: float = 60.0) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Change settings, see `Settings`; returns all of them.

        Raises:
            ConfigurationError: A setting is unknown or does not fit.
        """
        method = "PATCH" if changes else "GET"
        settings: dict[str, Any] = self._json(method, "settings", json=changes or None)
        return settings

    def reset_settings(self) -> None:
        """Go back to the settings of the start."""
        self._json("DELETE", "settings")

    def fault(self, **fault: Any) -> int:
        """Set a fault, see `Fault`; returns its number.

        Raises:
            ConfigurationError: A field is unknown or does not fit.
        """
        return int(self._json("POST", "faults", json=fault)["id"])

    def faults(self) -> list[dict[str, Any]]:
        """The faults that are set, with `matched` and `fired`."""
        faults: list[dict[str, Any]] = self._json("GET", "faults")
        return faults

    def clear_faults(self) -> None:
        """Take all faults away."""
        self._json("DELETE", "faults")

    def seed(self, profiles: Iterable[Mapping[str, Any]]) -> int:
        """Put profiles: `{"external_id": ..., "attributes": {...}}`, values as Braze would store them.

        One with the same external id is replaced. Returns how many were put.
        """
        encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

        def blocks() -> Iterator[bytes]:
            block: list[str] = []
            for profile in profiles:
                block.append(encode(profile))
                if len(block) == 2_000:
                    yield ("\n".join(block) + "\n").encode()
                    block.clear()
            yield "\n".join(block).encode()

        return int(self._json("POST", "profiles", data=blocks())["profiles"])

    def profile(self, external_id: str | None = None, **query: str) -> dict[str, Any] | None:
        """One profile by `external_id`, `braze_id=`, or `alias_name=` and `alias_label=`, or `None`."""
        params = {"external_id": external_id, **query} if external_id is not None else query
        response = self._session.get(f"{self.url}/_control/profile", params=params, timeout=self._timeout)
        if response.status_code == 404:
            return None
        found: dict[str, Any] = self._checked(response).json()
        return found

    def attributes(self, external_id: str) -> dict[str, Any] | None:
        """The stored attributes of one user, standard and custom; `None` if there is no such user."""
        found = self.profile(external_id)
        return None if found is None else found["attributes"]

    def profiles(self) -> Iterator[dict[str, Any]]:
        """All profiles, one after another."""
        url = f"{self.url}/_control/profiles"
        with self._session.get(url, stream=True, timeout=self._timeout) as response:
            for line in self._checked(response).iter_lines(chunk_size=1 << 18, delimiter=b"\n"):
                if line:
                    yield json.loads(line)

    def counters(self) -> dict[str, Any]:
        """What was seen so far, see `Counters`; with `profiles` and `pending`."""
        counters: dict[str, Any] = self._json("GET", "counters")
        return counters

    def reset_counters(self) -> None:
        """Count from zero."""
        self._json("DELETE", "counters")

    def recorded(self) -> list[dict[str, Any]]:
        """The requests recorded so far (setting `record_requests`), oldest first."""
        recorded: list[dict[str, Any]] = self._json("GET", "requests")
        return recorded

    def applied(self) -> list[dict[str, Any]]:
        """The `/users/track` requests that took effect (setting `record_applied`), in that order."""
        applied: list[dict[str, Any]] = self._json("GET", "applied")
        return applied

    def wait_until_applied(self, timeout: float = 30.0) -> None:
        """Wait until no accepted change is pending any more.

        Raises:
            TimeoutError: Some still are after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while pending := self.counters()["pending"]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{pending} requests are not applied after {timeout:.0f} seconds")
            time.sleep(0.005)

    def apply_now(self) -> None:
        """Apply all pending changes at once."""
        self._json("POST", "apply")

    def clear(self) -> None:
        """Forget profiles, pending changes, faults and counters; settings stay."""
        self._json("POST", "clear")

    def save(self) -> int:
        """Write the state file; returns the number of profiles."""
        return int(self._json("POST", "save")["profiles"])

    def load(self) -> int:
        """Go back to the state file; returns the number of profiles."""
        return int(self._json("POST", "load")["profiles"])

    def _json(self, method: str, name: str, **options: Any) -> Any:
        url = f"{self.url}/_control/{name}"
        return self._checked(self._session.request(method, url, timeout=self._timeout, **options)).json()

    def _checked(self, response: requests.Response) -> requests.Response:
        if response.ok:
            return response
        try:
            cause = response.json()["error"]
        except (ValueError, KeyError, TypeError):
            cause = f"it answered {response.status_code}"
        raise ConfigurationError(f"The local Braze refused: {cause}", place=response.url.split("?")[0])
