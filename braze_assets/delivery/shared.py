"""One rate limit a destination, whoever sends there from this machine."""

import contextlib
import hashlib
import logging
import os
import secrets
import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import Literal

from braze_assets.braze.limits import Limits
from braze_assets.delivery.client import BrazeClient
from braze_assets.delivery.limiter import RateLimiter
from braze_assets.delivery.shared_limiter import SharedLimiter
from braze_assets.delivery.slot_file import SlotFile
from braze_assets.delivery.slots import Table

__all__ = ["FOLDER_VARIABLE", "limiter_for"]

FOLDER_VARIABLE = "BRAZE_RATE_LIMIT_FOLDER"
_OLD = 2 * 86_400.0
_LOG = logging.getLogger(__name__)

_lock = threading.Lock()
_limiters: dict[tuple[object, ...], RateLimiter] = {}
# A child of a fork must not take its parent's slots for its own.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_limiters.clear)


def limiter_for(
    client: BrazeClient, limits: Limits, *, endpoint: Literal["track", "export"] = "track"
) -> RateLimiter:
    """The limiter of a client's workspace, shared by all processes of this machine and user.

    It is kept for as long as the process lives: the requests of a send that has just ended still count. The
    processes meet in a small file in the folder of `BRAZE_RATE_LIMIT_FOLDER`, else in a folder of the user's
    own under the system's temporary one. Its name is a salted hash of endpoint and key. Where there is no
    such folder, and on Windows, every process has a limiter of its own.

    Processes on other machines are not seen. Where several send to one workspace, give each its part of the
    limit in the settings; if they exceed it together, they meet at Braze's 429 and both slow down.

    Args:
        client: The destination; its timeouts say when a request is answered or given up.
        limits: The limits, of all processes together.
        endpoint: `/users/track`, or `/users/export/ids`, which has a limit of its own.
    """
    requests, seconds, per_hour = limits.requests_per_window, limits.window_seconds, limits.requests_per_hour
    if endpoint == "export":
        requests, seconds, per_hour = limits.export_requests_per_minute, 60.0, None
    reach = client.settings.connect_timeout + 2 * client.settings.read_timeout
    folder = os.environ.get(FOLDER_VARIABLE, "")
    key = (client.endpoint, client.secrets, endpoint, requests, seconds, per_hour, reach, folder)
    hashed = hash(key)
    with _lock:
        if (hashed,) not in _limiters:
            shared = _shared(folder, client, endpoint, requests, seconds, per_hour, reach)
            _limiters[(hashed,)] = shared or RateLimiter(
                requests=requests, seconds=seconds, per_hour=per_hour, reach=reach
            )
        return _limiters[(hashed,)]


def _shared(
    folder: str,
    client: BrazeClient,
    endpoint: str,
    requests: int,
    seconds: float,
    per_hour: int | None,
    reach: float,
) -> RateLimiter | None:
    if not SlotFile.supported():
        return None
    try:
        place = _folder(folder)
        path = place / f"{_digest(place, client, endpoint)}.json"
        name = f"{os.getpid()}-{secrets.token_hex(4)}"
        _sweep(place)
        file = SlotFile(path, name)
        # Once for nothing: whether the disk can lock is better known now than in the middle of a send.
        file.change(lambda content: (content or Table().to_bytes(), None), now=time.monotonic())
    except OSError as error:
        _LOG.warning(
            "The rate limit is not shared with other processes of this machine: %s. Set %s to a folder on a "
            "local disk.",
            error.strerror or type(error).__name__,
            FOLDER_VARIABLE,
        )
        return None
    return SharedLimiter(file, name, requests=requests, seconds=seconds, per_hour=per_hour, reach=reach)


def _folder(folder: str) -> Path:
    """The folder, made if need be; nobody else's.

    Raises:
        OSError: It cannot be made, or belongs to somebody else.
    """
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        return Path(folder)
    place = Path(tempfile.gettempdir()) / f"braze-assets-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        place.mkdir(mode=0o700)
    found = place.lstat()
    if found.st_uid != os.getuid() or place.is_symlink() or not place.is_dir():
        raise PermissionError(1, f"{place} belongs to somebody else")
    return place


def _digest(place: Path, client: BrazeClient, endpoint: str) -> str:
    """Tells workspaces apart, and machines (each has its own clock); says nothing about the key."""
    salt = _salt(place)
    text = "\n".join((client.endpoint, *client.secrets, endpoint, socket.gethostname()))
    return hashlib.blake2b(text.encode(), key=salt, digest_size=12).hexdigest()


def _salt(place: Path) -> bytes:
    path = place / "salt"
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    mine = place / f"salt.{os.getpid()}-{secrets.token_hex(4)}"
    mine.touch(mode=0o600)
    mine.write_bytes(secrets.token_bytes(32))
    with contextlib.suppress(FileExistsError):
        os.link(mine, path)  # the first one wins, whole
    mine.unlink()
    return path.read_bytes()


def _sweep(place: Path) -> None:
    """Remove what nobody has used for days."""
    for path in place.iterdir():
        with contextlib.suppress(OSError):
            if path.name != "salt" and time.time() - path.stat().st_mtime > _OLD:
                path.unlink()
