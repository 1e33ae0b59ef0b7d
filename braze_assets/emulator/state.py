"""A workspace as JSON lines: the first line says what it is, every other one is a profile.

The control API streams the same lines, so a file can be made from an answer and the other way round.
"""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from braze_assets.emulator.workspace import Workspace
from braze_assets.errors import ConfigurationError, StorageError

__all__ = ["load_state", "profile_lines", "save_state", "seed"]

FORMAT = "braze_assets.emulator/1"


def profile_lines(workspace: Workspace) -> Iterator[bytes]:
    """Every profile as one line of JSON, raw values."""
    encode = json.JSONEncoder(separators=(",", ":")).encode  # ASCII: half a surrogate pair survives
    for profile in list(workspace.profiles):
        yield encode(profile.document()).encode() + b"\n"


def seed(workspace: Workspace, lines: Iterable[bytes], *, first: int = 1) -> int:
    """Put profiles given as lines of JSON, the first of which has the number `first`; returns how many.

    Raises:
        ValueError: A line is no profile; the message names its number. Those before it are kept.
    """
    count = 0
    types, load = workspace.applier.types, workspace.profiles.load
    names: dict[str, str] = {}
    for number, line in enumerate(lines, start=first):
        if not line.strip():
            continue
        try:
            profile = load(json.loads(line))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"line {number} is not a profile: {error}") from error
        # Every line brings its own copies of the names; one copy of each saves half the memory.
        profile.attributes = {
            names.setdefault(name, name): value for name, value in profile.attributes.items()
        }
        for name in profile.attributes.keys() - types.keys():
            workspace.applier.note_type(name, profile.attributes[name])
        count += 1
    return count


def save_state(workspace: Workspace, path: Path) -> int:
    """Write all profiles, pending changes applied, atomically; returns how many.

    Raises:
        StorageError: The file cannot be written. What was there before stays.
    """
    workspace.pending.settle(float("inf"))
    header = {"format": FORMAT, "types": workspace.applier.types}
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(json.dumps(header).encode() + b"\n")
            file.writelines(profile_lines(workspace))
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StorageError(
            f"The state of the local Braze cannot be written: {error.strerror}.", place=str(path)
        ) from error
    return len(workspace.profiles)


def load_state(workspace: Workspace, path: Path) -> int:
    """Start anew with the profiles of a file; returns how many. Settings stay.

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
