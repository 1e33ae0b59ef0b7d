"""Notes of the fields each event type's table holds, under the storage's root.

Every note is a small file named by its content, `currents_schemas/<event type>/<digest>.json`, written when a
file brings a field or a type that no note has. So hours that run side by side do not overwrite each other's.
"""

import hashlib
from collections.abc import Iterable

import pyarrow as pa

from braze_assets.currents import evolution
from braze_assets.currents.evolution import Held
from braze_assets.storage import Storage, atomic_writer, storage_errors

__all__ = ["note", "read_notes"]

_FOLDER = "currents_schemas"


def read_notes(storage: Storage, event_type: str) -> Held:
    """What the table of an event type holds.

    Raises:
        StorageError: The notes cannot be read.
    """
    folder = storage.path(_FOLDER, event_type)
    with storage_errors(str(folder)):
        paths = list(folder.iterdir()) if folder.exists() else []
        return evolution.load(path.read_bytes() for path in paths if path.name.endswith(".json"))


def note(storage: Storage, event_type: str, held: Held, files: Iterable[tuple[str, pa.Schema]]) -> None:
    """Note what files brought that was not held yet; `held` has it afterwards.

    Raises:
        StorageError: A note cannot be written.
    """
    for file, schema in files:
        new = held.add(evolution.families(schema), file)
        if new:
            content = evolution.dump(new, file)
            name = f"{hashlib.sha256(content).hexdigest()[:16]}.json"
            with atomic_writer(storage.path(_FOLDER, event_type, name)) as sink:
                sink.write(content)
