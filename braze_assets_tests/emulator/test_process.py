"""Starting and stopping a local Braze (X11)."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest
import requests

from braze_assets.emulator import LocalBraze
from braze_assets.emulator.__main__ import main
from braze_assets.errors import ConfigurationError
from braze_assets_tests.emulator.test_faults import post


@pytest.mark.parametrize("run", ["thread", "process"])
def test_state_survives_a_restart(tmp_path, run):
    path = tmp_path / "state.jsonl"
    with LocalBraze(state=path, run=run, apply_delay_ms=60_000) as braze:
        assert post(braze, "u").status_code == 201
    with LocalBraze(state=path, run=run, api_key="another") as braze:
        assert braze.control.attributes("u") == {"tier": "gold"}
        braze.control.clear()
        assert braze.control.load() == 1
        assert post(braze, "v").status_code == 201
        assert braze.control.save() == 2
    with pytest.raises(requests.ConnectionError):
        requests.get(braze.url, timeout=1)


def test_stopping_does_not_wait_for_calls_that_hang():
    with LocalBraze() as braze:
        braze.control.fault(effect="timeout")
        with pytest.raises(requests.ReadTimeout):
            post(braze, "u", timeout=0.1)
        hanging = socket.create_connection(braze.url.removeprefix("http://").split(":"))
        hanging.sendall(b"POST /users/track HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        time.sleep(0.1)
        started = time.monotonic()
    assert time.monotonic() - started < 5
    hanging.close()


def test_a_child_process_ends_with_its_parent():
    script = (
        "import time; from braze_assets.emulator import LocalBraze; "
        "braze = LocalBraze(run='process').start(); print(braze.url, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    url = parent.stdout.readline().strip()
    assert requests.get(f"{url}/_control/health", timeout=5).ok
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            requests.get(f"{url}/_control/health", timeout=1)
        except requests.ConnectionError:
            return
        time.sleep(0.1)
    pytest.fail("the local Braze outlived its parent")


def test_a_taken_port_is_said():
    with LocalBraze() as braze, pytest.raises(ConfigurationError, match="cannot listen"):
        LocalBraze(port=int(braze.url.rsplit(":", 1)[1])).start()


def test_a_wrong_setting_is_said_before_anything_starts():
    with pytest.raises(ConfigurationError, match="latencyms"):
        LocalBraze(latencyms=1)


@pytest.mark.parametrize("run", ["thread", "process"])
def test_a_broken_state_file_is_said(tmp_path, run, capfd):
    (tmp_path / "state").write_text("nonsense")
    with pytest.raises(ConfigurationError):
        LocalBraze(state=tmp_path / "state", run=run).start()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "latency_ms=fast"], "latency_ms"),
        (["--set", "x=1"], "Known settings"),
        (["--settings", "{"], "JSON"),
    ],
)
def test_the_command_explains_itself(arguments, message, capsys):
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_the_command_runs_until_interrupted(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "braze_assets.emulator", "--port", str(port), "--api-key", "k"]
    command += ["--state", str(tmp_path / "state"), "--set", "array_items=3"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert f"http://127.0.0.1:{port}" in process.stdout.readline()
    settings = requests.get(f"http://127.0.0.1:{port}/_control/settings", timeout=5).json()
    assert settings["array_items"] == 3
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) == 0
    process.stdout.close()
    assert (tmp_path / "state").exists()
