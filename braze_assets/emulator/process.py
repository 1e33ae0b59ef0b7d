"""A local Braze of one's own, for a test or the demo: in a thread or in a process."""

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import requests

from braze_assets.emulator.client import Control
from braze_assets.emulator.settings import Settings
from braze_assets.errors import ConfigurationError

__all__ = ["LocalBraze"]


class LocalBraze:
    """Runs a local Braze while the `with` block lasts, on a free loopback port.

        with LocalBraze(apply_delay_ms=50) as braze:
            requests.post(braze.url + "/users/track", ...)
            braze.control.wait_until_applied()

    Args:
        state: A state file: loaded at the start if it exists, saved at the end.
        run: `thread` starts fast and shares the interpreter; `process` leaves the interpreter to the caller,
            and ends when the parent does, however that ends.
        host: The address to listen on.
        port: 0 is a free one.
        settings: Fields of `Settings`.

    Raises:
        ConfigurationError: A setting does not fit, the port is taken, or it does not start.
    """

    def __init__(
        self,
        *,
        state: str | Path | None = None,
        run: Literal["thread", "process"] = "thread",
        host: str = "127.0.0.1",
        port: int = 0,
        **settings: Any,
    ) -> None:
        self.settings = Settings().changed(settings)
        self.api_key = self.settings.api_key
        self._state = Path(state) if state is not None else None
        self._run = run
        self._address = (host, port)
        self._server: Any = None
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.control: Control

    def __enter__(self) -> "LocalBraze":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> "LocalBraze":
        """Listen and answer; returns when it does."""
        listener = _listen(*self._address)
        host, port = listener.getsockname()[:2]
        self.url = f"http://{host}:{port}"
        self.control = Control(self.url)
        try:
            if self._run == "thread":
                self._start_thread(listener)
            else:
                self._start_process(listener)
            self._wait()
        except BaseException:
            self.stop()
            raise
        finally:
            if self._run == "process":
                listener.close()
        return self

    def stop(self) -> None:
        """Stop cleanly: the state is saved. Calls that hang are cut off."""
        self.control.close()
        if self._thread is not None:
            self._server.should_exit = True
            self._thread.join(timeout=20)
            self._thread = None
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def _start_thread(self, listener: socket.socket) -> None:
        from braze_assets.emulator.server import make_server

        self._server = make_server(self.settings, self._state)
        self._thread = threading.Thread(
            target=lambda: self._server.run(sockets=[listener]),
            name="local-braze",
            daemon=True,
        )
        self._thread.start()

    def _start_process(self, listener: socket.socket) -> None:
        command = [sys.executable, "-m", "braze_assets.emulator", "--fd", str(listener.fileno())]
        command += ["--settings", self.settings.model_dump_json(), "--parent", str(os.getpid()), "--quiet"]
        if self._state is not None:
            command += ["--state", str(self._state)]
        self._process = subprocess.Popen(command, pass_fds=[listener.fileno()])  # noqa: S603

    def _wait(self, timeout: float = 20.0) -> None:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            try:
                if requests.get(f"{self.url}/_control/health", timeout=1).ok:
                    return
            except requests.RequestException:
                pass
            if self._process is not None and self._process.poll() is not None:
                break
            if self._thread is not None and not self._thread.is_alive():
                break
            time.sleep(0.02)
        raise ConfigurationError("The local Braze did not start.", place=self.url)


def _listen(host: str, port: int) -> socket.socket:
    # asyncio switches Nagle's algorithm off only where the protocol is named; with it on, answers take 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"The local Braze cannot listen: {error.strerror}.",
            place=f"{host}:{port}",
            remedy="Choose another port, or stop what listens there.",
        ) from error
    listener.listen(1024)
    return listener
