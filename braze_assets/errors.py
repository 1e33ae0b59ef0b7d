"""The errors of this project: every one says the cause, the place and the remedy.

Code below the Dagster line raises these; the assets turn them into `dagster.Failure` and let a run
retry only what a retry can mend (`permanent` is false).
"""

from typing import ClassVar

__all__ = [
    "AlertError",
    "BrazeAssetsError",
    "ConfigurationError",
    "CsvError",
    "CurrentsError",
    "DeliveryError",
    "LedgerError",
    "LedgerMovedError",
    "PlanError",
    "PlanRefusedError",
    "QueryError",
    "SourceError",
    "StorageError",
    "StorageUnavailableError",
]


class BrazeAssetsError(Exception):
    """Base of all errors raised on purpose.

    Args:
        cause: What is wrong, in one sentence, without secrets and without personal data.
        place: Where: a file and line, an environment variable, a URL, a column.
        remedy: What the reader can do about it.
    """

    permanent: ClassVar[bool] = True
    """False where the same call may succeed later without anybody changing anything."""

    def __init__(self, cause: str, *, place: str | None = None, remedy: str | None = None) -> None:
        self.cause = cause
        self.place = place
        self.remedy = remedy
        super().__init__(cause)

    def __str__(self) -> str:
        lines = [self.cause]
        if self.place:
            lines.append(f"  Where: {self.place}")
        if self.remedy:
            lines.append(f"  What to do: {self.remedy}")
        return "\n".join(lines)


class ConfigurationError(BrazeAssetsError):
    """A setting, a YAML file or an environment variable is missing or wrong."""


class StorageError(BrazeAssetsError):
    """The storage cannot be read or written, or a table that should be there is not."""


class StorageUnavailableError(StorageError):
    """The storage stopped answering in the middle. Trying again may help."""

    permanent = False


class SourceError(BrazeAssetsError):
    """A source table does not have what is asked of it: columns, rows, types."""


class QueryError(BrazeAssetsError):
    """A SQL file does not parse, does not run, or yields the wrong columns."""


class PlanError(BrazeAssetsError):
    """A plan cannot be made or read."""


class PlanRefusedError(PlanError):
    """A plan must not be sent: a guard failed."""


class LedgerError(BrazeAssetsError):
    """The ledger cannot be read or written."""


class LedgerMovedError(LedgerError):
    """The ledger was moved by another plan or another run since it was looked at."""


class DeliveryError(BrazeAssetsError):
    """Sending stopped: key, instance, permission, or an endpoint that does not answer."""


class CurrentsError(BrazeAssetsError):
    """A Currents file or path cannot be understood."""


class CsvError(BrazeAssetsError):
    """A CSV file cannot be imported as it is: its encoding, its header, its quotes, its size."""


class AlertError(BrazeAssetsError):
    """A message did not reach a channel. Trying again may help.

    Args:
        cause: What is wrong, in one sentence, without secrets and without personal data.
        place: Where.
        remedy: What the reader can do about it.
        handed_over: Whether some have it nevertheless, so that it must not be sent again.
    """

    permanent = False

    def __init__(
        self, cause: str, *, place: str | None = None, remedy: str | None = None, handed_over: bool = False
    ) -> None:
        super().__init__(cause, place=place, remedy=remedy)
        self.handed_over = handed_over
