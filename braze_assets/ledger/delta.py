"""Delta Lake tables with this project's errors, and commits that exactly one of two writers wins."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from braze_assets.errors import BrazeAssetsError, LedgerError
from braze_assets.storage import Storage, storage_errors

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable

__all__ = ["CommitConflict", "LedgerTable", "data_files", "once"]


class CommitConflict(Exception):  # noqa: N818 - a signal within this room, never seen outside it
    """Another writer committed first."""


@dataclass(frozen=True)
class LedgerTable:
    """One Delta table of a ledger.

    Args:
        storage: Where.
        uri: Its URL under the storage root.
        schema: The columns it is created with.
        configuration: Delta table properties it is created with.
    """

    storage: Storage
    uri: str
    schema: pa.Schema
    configuration: Mapping[str, str] = field(default_factory=dict)

    def open(self) -> "DeltaTable | None":
        """The table as it is now, or None when there is none yet.

        Raises:
            LedgerError: Its log cannot be read.
            StorageError: The storage cannot be reached.
        """
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError

        with delta_errors(self.uri):
            try:
                return DeltaTable(self.uri, storage_options=self.storage.delta_options())
            except TableNotFoundError:
                return None

    def open_or_create(self) -> "DeltaTable":
        """The table as it is now; an empty one is made when there is none. Safe against another maker."""
        from deltalake import DeltaTable

        table = self.open()
        if table is not None:
            return table
        with delta_errors(self.uri):
            try:
                return DeltaTable.create(
                    self.uri,
                    self.schema,
                    mode="error",
                    configuration={"delta.enableExpiredLogCleanup": "false", **self.configuration},
                    storage_options=self.storage.delta_options(),
                )
            except Exception:
                # Whoever else made it in the same moment made the same table.
                table = self.open()
                if table is None:
                    raise
                return table


def once(**numbers: int) -> "CommitProperties":
    """Commit properties under which one of two concurrent writers of the same names fails.

    The numbers are kept in the table's log in the same atomic commit, and read by
    `DeltaTable.transaction_version`.
    """
    from deltalake import CommitProperties, Transaction

    return CommitProperties(
        app_transactions=[Transaction(f"braze_assets.{name}", number) for name, number in numbers.items()]
    )


@contextmanager
def delta_errors(place: str) -> Iterator[None]:
    """Turn what delta-rs raises into this project's errors.

    Raises:
        CommitConflict: Another writer came first.
        StorageError: The storage failed.
        LedgerError: Anything else.
    """
    from deltalake.exceptions import CommitFailedError, DeltaError

    try:
        with storage_errors(place):
            yield
    except (BrazeAssetsError, CommitConflict):
        raise
    except CommitFailedError as error:
        raise CommitConflict(str(error)) from error
    except (DeltaError, pa.ArrowException) as error:
        first = (str(error).splitlines() or [""])[0][:200]
        if "already exists" in first and "Version" in first:
            raise CommitConflict(first) from error
        raise LedgerError(
            f"The ledger cannot be used: {type(error).__name__}: {first}",
            place=place,
            remedy="Check the storage. If a file of the table's _delta_log is damaged, restore that file "
            "from a backup or an older object version; nothing was changed.",
        ) from error


def data_files(table: "DeltaTable") -> list[dict[str, Any]]:
    """The data files of a table: path, rows, bytes, and statistics of columns as far as they are kept."""
    actions = pa.table(table.get_add_actions(flatten=True))
    wanted = [
        name
        for name in actions.column_names
        if name in ("path", "num_records", "size_bytes") or name.startswith(("min.", "max."))
    ]
    return list(actions.select(wanted).to_pylist())
