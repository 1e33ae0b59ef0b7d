"""Everything the demo and `make dev` keep: one folder on this machine."""

import os
import shutil
import socket
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from braze_assets.errors import ConfigurationError

__all__ = ["LOCAL_API_KEY", "LocalFolder", "require_free_port"]

LOCAL_API_KEY = "local-braze-key"
"""Not a secret: the key the local Braze is started with."""


_WORKSPACE = """\
# As workspace.yaml of the project, with the demo's own sync beside it.
load_from:
  - python_module:
      module_name: braze_assets.demo.definitions
      location_name: braze_assets
"""


@dataclass(frozen=True)
class LocalFolder:
    """Where things are under one root: `.local/demo` in the folder the command is run in.

    The demo clears it, so it is never where the tables of a user's own are kept by default.
    """

    root: Path

    @classmethod
    def default(cls) -> "LocalFolder":
        """The folder of this project copy."""
        return cls(Path(os.environ.get("BRAZE_ASSETS_LOCAL", ".local/demo")).absolute())

    @property
    def dagster_home(self) -> Path:
        """Runs, events and the instance's settings."""
        return self.root / "dagster_home"

    @property
    def storage(self) -> Path:
        """Tables and ledgers."""
        return self.root / "storage"

    @property
    def currents(self) -> Path:
        """What Braze would write to a bucket."""
        return self.root / "currents"

    @property
    def drop(self) -> Path:
        """Where CSV files are dropped."""
        return self.root / "drop"

    @property
    def braze_state(self) -> Path:
        """What the local Braze holds between two starts."""
        return self.root / "braze" / "state.jsonl"

    @property
    def workspace(self) -> Path:
        """The workspace file `make dev` opens."""
        return self.root / "workspace.yaml"

    def prepare(self) -> None:
        """Make the folders, the workspace file, and the instance's settings where there are none."""
        for folder in (self.dagster_home, self.storage, self.currents, self.drop, self.braze_state.parent):
            folder.mkdir(parents=True, exist_ok=True)
        self.workspace.write_text(_WORKSPACE)
        settings = self.dagster_home / "dagster.yaml"
        if not settings.exists():
            settings.write_text(resources.files(__package__).joinpath("dagster.yaml").read_text())

    def clear(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.root, ignore_errors=True)

    def environment(self, braze_url: str) -> dict[str, str]:
        """The variables that point the project to this folder and to the local Braze."""
        return {
            "DAGSTER_HOME": str(self.dagster_home),
            "BRAZE_ASSETS_DEPLOYMENT": "local",
            "BRAZE_ASSETS_STORAGE": str(self.storage),
            "BRAZE_CURRENTS_URL": str(self.currents),
            "BRAZE_ASSETS_LOCAL": str(self.root),
            "BRAZE_INSTANCE": braze_url,
            "BRAZE_API_KEY": LOCAL_API_KEY,
        }


def require_free_port(port: int, what: str) -> None:
    """Stop early where something else already listens.

    Raises:
        ConfigurationError: The port is taken.
    """
    with socket.socket() as probe:
        probe.settimeout(0.5)
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise ConfigurationError(
                f"Something already listens on port {port}.",
                place=f"127.0.0.1:{port}, wanted for {what}",
                remedy="Stop it, or choose another port (see --help).",
            )
