"""Processes that send a plan of events, and die by `kill -9` at a chosen instant.

`python -m braze_assets_tests.events.child` reads a configuration a line, forks a process for each, and says
how it ended: what has to be imported is imported once.
"""

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

import deltalake  # noqa: F401 - imported before the forks
import duckdb  # noqa: F401
import numpy  # noqa: F401

from braze_assets.braze.limits import Limits
from braze_assets.delivery import BrazeClient, DeliverySettings, send_events
from braze_assets.ledger.events.event_ids import EventIds
from braze_assets.ledger.events.ledger import EventLedger
from braze_assets.ledger.events.reserved import Reserved
from braze_assets.ledger.journal import Journal
from braze_assets.ledger.receipts import Receipts
from braze_assets.storage import Storage, StoredTable
from braze_assets_tests.delivery.harness import KEY

POINTS: dict[str, tuple[type, str]] = {
    "journal": (Journal, "append"),
    "open": (Reserved, "open"),
    "reserve": (Reserved, "move"),
    "close": (Reserved, "close"),
    "request": (BrazeClient, "track"),
    "receipts": (Receipts, "append"),
    "ids": (EventIds, "append"),
}
"""Steps of a send, by the method that takes them."""


def _dying(method: Callable[..., Any], when: str, nth: int) -> Callable[..., Any]:
    count = 0

    def step(*args: Any, **options: Any) -> Any:
        nonlocal count
        count += 1
        mine = count
        if mine == nth and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = method(*args, **options)
        if mine == nth and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return step


def main(config: dict[str, Any]) -> None:
    """Send; die where the configuration says so."""
    if point := config.get("point"):
        owner, name = POINTS[point]
        setattr(owner, name, _dying(getattr(owner, name), config["when"], config["nth"]))
    settings = DeliverySettings(**config["settings"])
    plan = StoredTable.at(config["plan"])
    send_events(
        plan=plan,
        plan_uri=plan.uris[0],
        ledger=EventLedger(Storage(config["storage"]), "orders"),
        client=BrazeClient(endpoint=config["url"], api_key=KEY, settings=settings),
        limits=Limits(),
        settings=settings,
        mode="live",
    )


def _say(**words: int) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def _serve() -> None:
    """Fork a process for each line; a line of a number waits for that process."""
    for line in sys.stdin:
        config = json.loads(line)
        if isinstance(config, int):
            _, status = os.waitpid(config, 0)
            _say(code=os.waitstatus_to_exitcode(status))
            continue
        child = os.fork()
        if child:
            _say(pid=child)
            continue
        try:
            main(config)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)


class Children:
    """The server of processes, from the test's side."""

    def __enter__(self) -> "Children":
        command = [sys.executable, "-m", "braze_assets_tests.events.child"]
        self._server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(timeout=60)

    def start(self, config: Mapping[str, Any]) -> int:
        """A process; returns its id."""
        return int(self._ask(dict(config))["pid"])

    def wait(self, pid: int) -> int:
        """Its exit code: -9 when it was killed."""
        return int(self._ask(pid)["code"])

    def _ask(self, what: Any) -> dict[str, int]:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(what) + "\n")
        self._server.stdin.flush()
        answer: dict[str, int] = json.loads(self._server.stdout.readline())
        return answer


if __name__ == "__main__":
    _serve()
