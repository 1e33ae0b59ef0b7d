"""A live Dagster on loopback: code server, webserver, daemon, and a local Braze, each a process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import requests

from braze_assets.emulator.process import LocalBraze
from braze_assets_tests.assets.ui import Ui
from braze_assets_tests.conftest import free_port

__all__ = ["Live"]

# The daemon as it is, but looking for backfills every second instead of every thirty.
_DAEMON = """
import dagster._daemon.controller as controller
controller.DEFAULT_DAEMON_INTERVAL_SECONDS = 1
from dagster._daemon.cli import cli
cli()
"""
_COORDINATOR = """
run_coordinator:
  module: dagster.core.run_coordinator
  class: QueuedRunCoordinator
  config: {dequeue_interval_seconds: 1}
"""
_TIMEOUT = 240.0


class Live(Ui):
    """Runs while the `with` block lasts.

    Args:
        folder: Everything is kept here.
        files: The project's files under `defs/`.
    """

    def __init__(self, folder: Path, files: Mapping[str, str]) -> None:
        super().__init__()
        self.folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        for name, text in files.items():
            target = folder / "defs" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        (folder / "home").mkdir()
        settings = resources.files("braze_assets.demo").joinpath("dagster.yaml").read_text()
        (folder / "home" / "dagster.yaml").write_text(settings + _COORDINATOR)
        self.braze = LocalBraze(run="process", record_applied=10_000)

    def __enter__(self) -> "Live":
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        self.braze.stop()

    def _start(self) -> None:
        self.braze.start()
        self.environment = {
            **os.environ,
            "DAGSTER_HOME": str(self.folder / "home"),
            "BRAND": str(self.folder),
            "BRAZE_ASSETS_START_DATE": "2026-06-01",
            "BRAZE_INSTANCE": self.braze.url,
            "BRAZE_API_KEY": self.braze.api_key,
        }
        code, web = free_port(), free_port()
        workspace = self.folder / "workspace.yaml"
        server = f"{{host: 127.0.0.1, port: {code}, location_name: brand}}"
        workspace.write_text(f"load_from:\n  - grpc_server: {server}\n")
        module = "braze_assets_tests.assets.brand"
        self._run("-m", "dagster", "api", "grpc", "-m", module, "-h", "127.0.0.1", "-p", str(code))
        self.url = f"http://127.0.0.1:{web}"
        self._wait_for_code(code)
        self._run("-m", "dagster_webserver", "-w", str(workspace), "-h", "127.0.0.1", "-p", str(web))
        self._run("-c", _DAEMON, "run", "-w", str(workspace))
        self.wait(self._answers, "the webserver")

    def _run(self, *command: str) -> None:
        log = (self.folder / f"{len(self._processes)}.log").open("wb")
        self._processes.append(
            subprocess.Popen(
                [sys.executable, *command],
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        )

    def _wait_for_code(self, port: int) -> None:
        import socket

        def listens() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        self.wait(listens, "the code server")

    def _answers(self) -> bool:
        try:
            return bool(self.ask("{ version }")["version"])
        except requests.RequestException:
            return False

    def wait(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait until it holds; returns what it returned."""
        deadline = time.monotonic() + _TIMEOUT
        while time.monotonic() < deadline:
            if found := condition():
                return found
            for number, process in enumerate(self._processes):
                assert process.poll() is None, (self.folder / f"{number}.log").read_text()[-3000:]
            time.sleep(0.2)
        raise TimeoutError(f"{what} took longer than {_TIMEOUT:.0f} s")
