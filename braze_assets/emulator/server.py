"""A uvicorn server around a workspace."""

from pathlib import Path

import uvicorn

from braze_assets.emulator.app import LocalBrazeApp
from braze_assets.emulator.control import control_app
from braze_assets.emulator.settings import Settings
from braze_assets.emulator.state import load_state, save_state
from braze_assets.emulator.workspace import Workspace

__all__ = ["make_server"]


def make_server(settings: Settings, state: Path | None = None) -> uvicorn.Server:
    """A server that is ready to `serve(sockets=...)`.

    Calls that hang are cut off a second after it is told to stop.

    Args:
        settings: How the local Braze behaves.
        state: Loaded now if it exists, saved when the server stops cleanly.

    Raises:
        ConfigurationError: The state file is not one.
    """
    workspace = Workspace(settings)
    if state is not None and state.exists():
        load_state(workspace, state)

    def save() -> None:
        if state is not None:
            save_state(workspace, state)

    app = LocalBrazeApp(workspace, control_app(workspace, state), on_shutdown=save)
    return uvicorn.Server(
        uvicorn.Config(
            app,
            access_log=False,
            log_level="critical",  # a fault made on purpose is nobody's error
            log_config=None,
            lifespan="on",
            timeout_graceful_shutdown=1,
            timeout_keep_alive=300,
            date_header=False,
            server_header=False,
            ws="none",
        )
    )
