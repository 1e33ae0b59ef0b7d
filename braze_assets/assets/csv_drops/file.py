"""The file that a partition is of."""

from datetime import datetime, timezone

from braze_assets.assets.csv_drops.definition import CsvDropDefinition
from braze_assets.csv_files.place import FileVersion, Place
from braze_assets.errors import CsvError
from braze_assets.storage import Storage

__all__ = ["find"]


def find(drop: CsvDropDefinition, place: Place, storage: Storage, partition: str) -> FileVersion:
    """The version in the folder.

    Raises:
        CsvError: It is not there any more; that is noted.
        StorageError: The folder cannot be listed.
    """
    for file in place.files():
        if file.partition == partition:
            return file
    drop.progress(storage).put(partition, "replaced", datetime.now(timezone.utc))
    raise CsvError(
        "The file of this partition is not in the folder: it was replaced, moved or taken away.",
        place=f"{place.url}, {partition}",
        remedy="What is there now is a version of its own. To import this content again, drop it again.",
    )
