"""A workspace as JSON lines: the first line says what it is, every other one is a profile.

The control API streams the same lines, so a file can be made from an answer and the other way round.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from upath import UPath

from braze_assets.emulator.workspace import Workspace
from braze_assets.errors import ConfigurationError
from braze_assets.storage import atomic_writer

__all__ = ["load_state", "profile_lines", "save_state", "seed"]

FORMAT = "braze_assets.emulator/1"


def profile_lines(workspace: Workspace) -> Iterator[bytes]:
    """Every profile as one line of JSON, raw values."""
    encode = json.JSONEncoder(separators=(",", ":")).encode  # ASCII: half a surrogate pair survives
    for profile in list(workspace.profiles):
        yield encode(profile.document()).encode() + b"\n"


def seed(workspace: Workspace, lines: Iterable[bytes]) -> int:
    """Put profiles given as lines of JSON; returns how many.

    Raises:
        ValueError: A line is no profile; the message names its number. Those before it are kept.
    """
    count = 0
    types, load = workspace.applier.types, workspace.profiles.load
    names: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            document = json.loads(line)
            attributes = document.get("attributes", {})
            document["attributes"] = {names.setdefault(name, name): attributes[name] for name in attributes}
            profile = load(document)
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"line {number} is not a profile: {error}") from error
        for name in profile.attributes.keys() - types.keys():
            workspace.applier.note_type(name, profile.attributes[name])
        count += 1
    return count


def save_state(workspace: Workspace, path: Path) -> int:
    """Write all profiles, pending changes applied, atomically; returns how many."""
    workspace.pending.settle(float("inf"))
    header = {"format": FORMAT, "types": workspace.applier.types}
    with atomic_writer(UPath(path)) as file:
        file.write(json.dumps(header).encode() + b"\n")
        file.writelines(profile_lines(workspace))
    return len(workspace.profiles)


def load_state(workspace: Workspace, path: Path) -> int:
    """Replace all profiles by those of a file; returns how many.

    Raises:
        ConfigurationError: The file is not such a state.
    """
    try:
        with path.open("rb") as file:
            header = json.loads(file.readline() or b"{}")
            if not isinstance(header, dict) or header.get("format") != FORMAT:
                raise ValueError(f"the first line does not say {FORMAT}")
            workspace.clear()
            count = seed(workspace, file)
            workspace.applier.types = dict(header.get("types", {}))
            return count
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"The state of the local Braze cannot be read: {error}.",
            place=str(path),
            remedy="Give another file, or remove this one to start empty.",
        ) from error
