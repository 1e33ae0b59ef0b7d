"""How messages leave: what every channel is given, and how long it may take."""

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from braze_assets.alerts.status import Change
from braze_assets.alerts.wording import line, link
from braze_assets.errors import AlertError

__all__ = ["Channel", "Message", "secret", "within"]


@dataclass(frozen=True, kw_only=True)
class Message:
    """Changes that are told together."""

    alerts: str
    """The name of the alerts they come from."""
    changes: tuple[Change, ...]
    now: datetime
    base_url: str = ""
    """Of the Dagster UI."""

    @property
    def key(self) -> str:
        """The same for the same changes."""
        return "-".join(dict.fromkeys((self.changes[0].id, self.changes[-1].id)))

    @property
    def lines(self) -> list[str]:
        """A line for each change, with the link to its run."""
        return [f"{line(each)} {link(each, self.base_url)}".strip() for each in self.changes]


class Channel(ABC):
    """Where messages go. It holds the names of environment variables, never what is in them."""

    @abstractmethod
    def tell(self, message: Message) -> None:
        """Hand a message over.

        Raises:
            AlertError: It was not taken, or not in time; says so without URL, key or reply.
        """


def secret(variable: str) -> str:
    """What an environment variable holds.

    Raises:
        AlertError: It holds nothing.
    """
    value = os.environ.get(variable, "").strip()
    if not value:
        raise AlertError(
            f"The environment variable {variable} is not set.",
            place=variable,
            remedy="Set it where the Dagster daemon's code location runs, in `.env` for instance.",
        )
    return value


def within(seconds: float, do: Callable[[], None]) -> None:
    """Do it, but wait no longer than this, however slowly the other side speaks.

    Timeouts of sockets count from the last byte: a server that sends one a second would never end.

    Raises:
        AlertError: It took longer. What it raised, otherwise.
    """
    raised: list[BaseException] = []

    def run() -> None:
        try:
            do()
        except BaseException as error:  # handed on to who waits
            raised.append(error)

    thread = threading.Thread(target=run, name="braze-assets-alert", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise AlertError(
            f"There was no answer within {seconds:g} s.",
            remedy="Look at the receiving side; it is tried again.",
        )
    if raised:
        raise raised[0]
