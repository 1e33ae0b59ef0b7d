"""`make dev`: the Dagster UI, its daemon and a local Braze together, on loopback only."""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from rich.console import Console

from braze_assets.demo.local import LOCAL_API_KEY, LocalFolder, require_free_port
from braze_assets.errors import BrazeAssetsError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Start everything, wait for Ctrl-C or for one of them to end, stop everything."""
    parser = argparse.ArgumentParser(prog="make dev", description=__doc__)
    parser.add_argument("--port", type=int, default=3000, help="port of the Dagster UI")
    parser.add_argument("--braze-port", type=int, default=8099, help="port of the local Braze")
    options = parser.parse_args(arguments)
    console = Console(stderr=True)
    local = LocalFolder.default()
    try:
        require_free_port(options.port, "the Dagster UI")
        require_free_port(options.braze_port, "the local Braze")
    except BrazeAssetsError as error:
        console.print(str(error), style="red", highlight=False)
        return 2
    fresh = not local.dagster_home.exists()
    local.prepare()
    braze_url = f"http://127.0.0.1:{options.braze_port}"
    environment = {**os.environ, **local.environment(braze_url)}
    commands = {
        "local Braze": [
            "braze_assets.emulator",
            *("--host", "127.0.0.1", "--port", str(options.braze_port)),
            *("--api-key", LOCAL_API_KEY, "--state", str(local.braze_state)),
        ],
        "Dagster": [
            "dagster",
            *("dev", "-w", str(local.workspace), "-h", "127.0.0.1", "-p", str(options.port)),
        ],
    }
    if fresh:
        console.print("Nothing here yet: `make demo` fills this instance with a story to look at.")
    console.print(
        f"Dagster UI   http://127.0.0.1:{options.port}\nLocal Braze  {braze_url}\nCtrl-C stops both."
    )
    return _run_together(commands, environment)


def _run_together(commands: dict[str, list[str]], environment: dict[str, str]) -> int:
    children = {
        name: subprocess.Popen([sys.executable, "-m", *command], env=environment)  # noqa: S603
        for name, command in commands.items()
    }
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    ended: str | None = None
    while not stopping and ended is None:
        for name, child in children.items():
            try:
                child.wait(timeout=0.25)
                ended = name
            except subprocess.TimeoutExpired:
                continue
    for child in reversed(children.values()):
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
    for child in children.values():
        try:
            child.wait(timeout=20)
        except subprocess.TimeoutExpired:
            child.kill()
    if ended is not None:
        print(f"{ended} ended; everything was stopped.", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
