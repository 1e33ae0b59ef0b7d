"""Which later hours a changed hour concerns."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from braze_assets.currents.duplicates import IdFile, shared, write_ids
from braze_assets.currents.manifest import Manifest, loaded
from braze_assets.currents.paths import hour_name
from braze_assets.currents.spool import SpooledFile
from braze_assets.currents.uuids import split_ids
from braze_assets.currents.window import IdWindow
from braze_assets.storage import StoredTable, existing

__all__ = ["concerned_hours"]


def concerned_hours(
    manifest: Manifest,
    files: Sequence[SpooledFile],
    later: Mapping[datetime, StoredTable],
    ids: IdWindow,
) -> list[datetime]:
    """The later hours to make again.

    One that was made when this hour had the same files stays. One made when it had fewer stays too, where
    none of the files that came since has an id of it. Where files went away or it cannot be told, it is made
    again: that is never wrong, only work.

    Args:
        manifest: What the hour is about to hold.
        files: Its files.
        later: The tables of later hours within the window, whether there or not.
        ids: The ids of the hours.

    Raises:
        StorageError: A table or the ids cannot be read.
    """
    name = hour_name(manifest.hour)
    found = []
    with ThreadPoolExecutor(8, thread_name_prefix="currents-later") as pool, TemporaryDirectory() as folder:
        there = {*existing([*later.values()])}
        made = {hour: table for hour, table in later.items() if table in there}
        known = dict(zip(made, pool.map(loaded, made.values()), strict=True))
        parts: dict[int, IdFile] = {}
        for hour, other in known.items():
            if other and not other.files:
                continue
            then = other.against.get(name, "") if other else None
            if then == manifest.history[-1]:
                continue
            since = _since(manifest, then)
            if other and since is not None:
                theirs = ids.kept(hour, other.history[-1])
                if since not in parts:
                    parts[since] = IdFile(Path(folder, f"{since}.parquet"))
                    _write(manifest, files, since, parts[since].path, ids)
                if theirs and not shared(parts[since], theirs, ids.engine):
                    continue
            found.append(hour)
    return found


def _since(manifest: Manifest, then: str | None) -> int | None:
    """The first load whose files were not there then; None where files went away since, or nobody knows."""
    if then == "":
        return 0
    return manifest.history.index(then) + 1 if then in manifest.history else None


def _write(manifest: Manifest, files: Sequence[SpooledFile], since: int, path: Path, ids: IdWindow) -> None:
    loads = {file.key: file.load for file in manifest.files}
    new = [file for file in files if loads[file.file.key] >= since]
    write_ids(lambda: (split_ids(file.ids()) for file in new), path, {}, ids.engine)
