"""`python -m braze_assets.emulator`: run a local Braze until it is interrupted."""

import argparse
import contextlib
import json
import os
import socket
import sys
import threading
import time
from pathlib import Path

from braze_assets.emulator.process import _listen
from braze_assets.emulator.server import make_server
from braze_assets.emulator.settings import DEFAULT_API_KEY, Settings
from braze_assets.errors import BrazeAssetsError, ConfigurationError


def main(arguments: list[str] | None = None) -> int:
    """Run until interrupted; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        given = _object(options.settings)
        if options.api_key is not None:
            given["api_key"] = options.api_key
        for text in options.set:
            name, _, value = text.partition("=")
            given[name] = _value(value)
        settings = Settings().changed(given)
        listener = (
            socket.socket(fileno=options.fd)
            if options.fd is not None
            else _listen(options.host, options.port)
        )
        server = make_server(settings, options.state)
    except BrazeAssetsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    host, port = listener.getsockname()[:2]
    if not options.quiet:
        sys.stdout.write(
            f"A local Braze answers at http://{host}:{port} (control: /_control/). Ctrl-C stops it.\n"
        )
        sys.stdout.flush()
    if options.parent is not None:
        threading.Thread(target=_follow, args=(options.parent, server), daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again after a clean stop
        server.run(sockets=[listener])
    return 0


def _follow(parent: int, server: object) -> None:
    """Stop when the process that started this one is gone."""
    while os.getppid() == parent:
        time.sleep(0.25)
    server.should_exit = True  # type: ignore[attr-defined]


def _object(text: str | None) -> dict[str, object]:
    try:
        settings = json.loads(text or "{}")
    except ValueError:
        settings = None
    if not isinstance(settings, dict):
        raise ConfigurationError("The settings are no JSON object.", place="--settings")
    return settings


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m braze_assets.emulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--api-key", help=f"the key it accepts (default: {DEFAULT_API_KEY})")
    parser.add_argument("--state", type=Path, help="a file: loaded if it exists, saved at a clean stop")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting, value as JSON"
    )
    parser.add_argument("--settings", help="settings as one JSON object")
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--fd", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--parent", type=int, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
