"""Delta Lake tables with this project's errors, and commits that exactly one of two writers wins."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from braze_assets.errors import BrazeAssetsError, LedgerError
from braze_assets.ledger.damage import check_newest, damaged_error, find_damage, log_files
from braze_assets.ledger.schemas import FORMAT
from braze_assets.storage import Storage, storage_errors

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable

__all__ = ["CommitConflict", "LedgerTable", "data_files", "once"]

_FORMAT_KEY = "braze_assets.format"


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

    def open(self, version: int | None = None) -> "DeltaTable | None":
        """The table as it is now or was at a version, or None when there is none yet.

        Raises:
            LedgerError: Its log is damaged, or a newer version of this software made it.
            StorageError: The storage cannot be reached.
        """
        from deltalake import DeltaTable
        from deltalake.exceptions import TableNotFoundError

        with delta_errors(self.uri):
            options = self.storage.delta_options()
            try:
                table = DeltaTable(self.uri, version=version, storage_options=options)
            except TableNotFoundError:
                if not any(log_files(self.uri)):
                    return None
                # Somebody may have made it in between; if not, its log has no beginning.
                table = DeltaTable(self.uri, version=version, storage_options=options)
        check_format(table, self.uri)
        if version is None:
            check_newest(table, self.uri)
        return table

    def migrate(self) -> None:
        """Mark the table as one of this version. Best effort: it can be read either way."""
        table = self.open()
        if table is None or format_of(table) >= FORMAT:
            return
        try:
            with delta_errors(self.uri):
                properties = {**self.configuration, _FORMAT_KEY: str(FORMAT)}
                table.alter.set_table_properties(properties, raise_if_not_exists=False)
        except CommitConflict:
            return

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
                    configuration={
                        "delta.enableExpiredLogCleanup": "false",
                        _FORMAT_KEY: str(FORMAT),
                        **self.configuration,
                    },
                    storage_options=self.storage.delta_options(),
                    raise_if_key_not_exists=False,
                )
            except Exception:
                # Whoever else made it in the same moment made the same table.
                table = self.open()
                if table is None:
                    raise
                return table


def format_of(table: "DeltaTable") -> int:
    """The version of the software's tables it was written in."""
    return int(table.metadata().configuration.get(_FORMAT_KEY, 1))


def check_format(table: "DeltaTable", uri: str) -> None:
    """Refuse a table that a newer version of this software has written.

    Raises:
        LedgerError: It has.
    """
    if format_of(table) > FORMAT:
        raise LedgerError(
            f"The ledger has format {format_of(table)}; this version of braze-assets knows {FORMAT} at most.",
            place=uri,
            remedy="Upgrade braze-assets to the version that was used last; nothing was changed.",
        )


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
    except CommitFailedError:
        raise CommitConflict from None
    except Exception as error:
        # The reader of Arrow streams raises a plain Exception.
        if not isinstance(error, (DeltaError, pa.ArrowException)) and type(error) is not Exception:
            raise
        text = str(error)
        if "already exists" in text and "Version" in text:
            raise CommitConflict from None
        if place.rpartition("/")[2] in _TABLES:
            damage = find_damage(place)
            if damage is not None:
                raise damaged_error(place, damage) from None
        # Its words go no further: they quote values and conditions.
        raise LedgerError(
            f"The ledger cannot be used: {_cause(text)} ({type(error).__name__}).",
            place=place,
            remedy="Check the storage. If a file of the table's _delta_log is damaged, restore that file "
            "from a backup or an older object version; nothing was changed.",
        ) from None


_TABLES = ("acknowledged", "event_ids", "receipts", "reserved", "sends")
_CAUSES = {
    "cast error": "a value does not fit its column",
    "schema error": "the columns are not those that were expected",
    "schema mismatch": "the columns are not those that were expected",
    "parquet error": "a data file cannot be read",
    "logsegment": "its log is not whole",
    "object store": "the storage failed",
    "object at location": "the storage failed",
    "protocol": "the table needs more than this version of delta-rs knows",
    "resources exhausted": "the memory does not suffice",
}
"""What delta-rs says in so many words, and what that means."""


def _cause(text: str) -> str:
    said = text.lower()
    return next((cause for words, cause in _CAUSES.items() if words in said), "delta-rs refused it")


def data_files(table: "DeltaTable") -> list[dict[str, Any]]:
    """The data files of a table: path, rows, bytes, and statistics of columns as far as they are kept."""
    actions = pa.table(table.get_add_actions(flatten=True))
    wanted = [
        name
        for name in actions.column_names
        if name in ("path", "num_records", "size_bytes") or name.startswith(("min.", "max."))
    ]
    return list(actions.select(wanted).to_pylist())
