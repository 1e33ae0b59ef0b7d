"""Requests a second of the local Braze in count-only mode, beside the least an ASGI application can do."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.loader import count_replies, track_body
from benchmarks.measure import measured
from benchmarks.scale import Scale
from braze_assets.emulator import DEFAULT_API_KEY, LocalBraze

__all__ = ["run"]

CONNECTIONS = 32
OBJECTS = 75
ROOT = Path(__file__).parent.parent


def run(scale: Scale, work: Path) -> list[Figure]:
    """Both servers up, loaded in turn."""
    with LocalBraze(run="process", count_only=True, requests_per_window=None) as braze, bare_server() as url:
        rounds = [
            [measured("emulator:load", url=each, seconds=scale.seconds).result for each in (braze.url, url)]
            for _ in range(scale.repeats)
        ]
    size = len(track_body(OBJECTS)) / 1e3
    return [
        Figure(
            case="emulator",
            what=f"count-only, {CONNECTIONS} connections, bodies of {OBJECTS} objects ({size:.0f} KB)",
            value=max(each[0] for each in rounds),
            baseline=max(each[1] for each in rounds),
            unit="requests/s",
            beside="an ASGI application that reads and answers, same uvicorn settings",
            note="the loader shares the machine",
        )
    ]


def load(url: str, seconds: float) -> float:
    """Replies per second."""
    return count_replies(url, "/users/track", DEFAULT_API_KEY, OBJECTS, CONNECTIONS, seconds)


@contextmanager
def bare_server() -> Iterator[str]:
    """The bare application in a process of its own; its URL. The port listens before the process is up."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1024)
        host, port = listener.getsockname()
        command = [sys.executable, "-m", "benchmarks.bare_app", str(listener.fileno())]
        process = subprocess.Popen(command, pass_fds=[listener.fileno()], cwd=ROOT)
    try:
        count_replies(f"http://{host}:{port}", "/", "", 1, 1, 0)
        yield f"http://{host}:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)
