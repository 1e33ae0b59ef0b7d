"""A partitioned table, opened partition by partition."""

from collections.abc import Iterator, Mapping, Sequence

from braze_assets.errors import StorageError
from braze_assets.storage.tables import StoredTable

__all__ = ["PartitionedTable"]


class PartitionedTable(Mapping[str, StoredTable]):
    """The partitions a run asked for, by key; nothing is read until one is.

    An unpartitioned table is the same table for every key.
    """

    def __init__(
        self, name: str, tables: Mapping[str, StoredTable], *, whole: StoredTable | None = None
    ) -> None:
        self.name = name
        self._tables = tables
        self._whole = whole

    def __getitem__(self, key: str) -> StoredTable:
        if self._whole is not None:
            return self._whole
        return self._tables[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def existing(self, key: str | None) -> StoredTable:
        """The table of a partition that must be there; without a key, the newest that is.

        Raises:
            StorageError: It was never materialized, or the table has other partitions.
        """
        table = self._whole
        if table is None and key is None:
            stored = self.stored()
            table = self._tables[stored[-1]] if stored else None
        elif table is None:
            table = self._tables.get(key or "")
            if table is None and self._tables:
                raise StorageError(
                    f"The table {self.name} has no partition {key}; it has some like {next(iter(self))}.",
                    place=self.name,
                    remedy="Read a table with the same partitions, or one without any.",
                )
        if table is None or not table.exists():
            of_partition = "" if self._whole is not None or key is None else f" of partition {key}"
            raise StorageError(
                f"The table {self.name}{of_partition} was never materialized.",
                place=table.uris[0] if table else self.name,
                remedy=f"Materialize {self.name}{of_partition} first, then run this again.",
            )
        return table

    def complete(self, keys: Sequence[str]) -> StoredTable:
        """Some partitions as one table; each must be there.

        Raises:
            StorageError: One was never materialized.
        """
        stored = set(self.stored())
        for key in keys:
            if key not in stored:
                self.existing(key)
        return self.only(keys)

    def only(self, keys: Sequence[str]) -> StoredTable:
        """Some partitions as one table."""
        return StoredTable(tuple(uri for key in keys for uri in self[key].uris))

    def stored(self) -> list[str]:
        """The keys of the partitions that are there, found by listing folders instead of asking for each."""
        by_folder: dict[str, set[str]] = {}
        found = []
        for key, table in self._tables.items():
            path = table.paths[0]
            above = path.parent.parent
            if str(above) not in by_folder:
                by_folder[str(above)] = {each.name for each in above.iterdir()} if above.exists() else set()
            if path.parent.name in by_folder[str(above)] and table.exists():
                found.append(key)
        return found

    def all(self) -> StoredTable:
        """All partitions as one table."""
        if self._whole is not None:
            return self._whole
        return StoredTable(tuple(uri for table in self._tables.values() for uri in table.uris))
