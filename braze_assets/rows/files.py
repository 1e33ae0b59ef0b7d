"""A table by URL: a Parquet or CSV file, its names kept as written."""

import csv
import gzip
import hashlib
import io
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.braze.limits import Limits
from braze_assets.errors import SourceError
from braze_assets.rows.csv_types import TYPES, evidence_sql, typed_sql
from braze_assets.rows.names import check_names
from braze_assets.storage import StoredTable, open_path, quote_identifier, quote_literal, storage_errors

if TYPE_CHECKING:
    import duckdb

__all__ = ["TableFile"]

_CSV = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
_HEAD = 1_048_576
_FIRST_LINES = 10_000
# An e-mail address, a telephone number, a date, a long number or one with leading zeros.
_CUSTOMER = re.compile(r".*@.*|\+?\d[\d ()./:-]{4,}|0\d+", re.DOTALL)


@dataclass(frozen=True)
class TableFile:
    """A file at a URL (local or `s3://`): CSV by its suffix (`.csv`, `.tsv`, also `.gz`), else Parquet.

    CSV is UTF-8 with a header line, comma, semicolon, tab or bar between columns (whichever the header has
    most of), and double quotes around cells with delimiters or line breaks. An empty cell is NULL, and so is
    `null` in lower case without quotes. A column has a type when every cell of the file has it (see
    `csv_types`), so "0123", "+49" and "1e5" stay text.

    Args:
        url: Where it is.
    """

    url: str

    @property
    def place(self) -> str:
        """The URL, for messages."""
        return self.url

    @property
    def digest(self) -> str:
        """A short hash of the definition, which is the URL; not of the content."""
        return hashlib.sha256(self.url.encode()).hexdigest()[:16]

    @property
    def sources(self) -> tuple[str, ...]:
        """A file reads no tables."""
        return ()

    @property
    def is_csv(self) -> bool:
        """Whether the file is read as CSV."""
        return self.url.lower().endswith(_CSV)

    def check(self, identifier: IdentifierKind, limits: Limits | None = None) -> None:
        """Nothing can be checked before the file is read."""

    def delivered(self, columns: Sequence[str]) -> tuple[str, ...]:
        """The names, as they are written."""
        return tuple(columns)

    def column_place(self, ordinal: int) -> str:
        """Where the column of this ordinal is."""
        return f"{self.url}, column {ordinal + 1}"

    def sql(self, con: "duckdb.DuckDBPyConnection", *, text_columns: Collection[str] = ()) -> str:
        """A SQL table expression of the file, good for this connection.

        Args:
            con: The connection; a CSV file is read once here to find the types.
            text_columns: Columns of a CSV that stay text whatever is in them; `external_id` and the other
                identifiers always do.

        Raises:
            SourceError: The CSV has no header, names that cannot be, or lines that do not fit; or it is not
                UTF-8.
            StorageError: There is no such file.
        """
        if not self.is_csv:
            return StoredTable.at(self.url).sql(con)
        names, delimiter = self._header()
        path = open_path(self.url)
        if path.protocol not in ("", "file") and not con.filesystem_is_registered(path.protocol):
            con.register_filesystem(path.fs)
        columns = ", ".join(f"{quote_literal(name)}: 'VARCHAR'" for name in names)
        raw = (
            f"read_csv({quote_literal(self.url)}, auto_detect = false, header = true, "
            f"delim = {quote_literal(delimiter)}, quote = '\"', escape = '\"', columns = {{{columns}}}, "
            f"nullstr = ['', 'null'])"
        )
        kept = {"external_id", "braze_id", "alias_name", "alias_label", *text_columns}
        inferred = [name for name in names if name not in kept]
        types = self._types(con, raw, inferred)
        selected = ", ".join(
            f"{typed_sql(quote_identifier(name), types.get(name))} AS {quote_identifier(name)}"
            for name in names
        )
        return f"(SELECT {selected} FROM {raw})"

    def _types(self, con: "duckdb.DuckDBPyConnection", raw: str, names: Sequence[str]) -> dict[str, str]:
        """The narrowest type that fits all cells of each column, where there is one.

        The first lines rule out most; only what they leave is looked for in the whole file.
        """
        every = [(name, type) for name in names for type in TYPES]
        possible = self._fitting(con, f"(SELECT * FROM {raw} LIMIT {_FIRST_LINES})", every, of_nothing=True)
        fitting = self._fitting(con, raw, possible, of_nothing=False)
        return dict(reversed(fitting))

    def _fitting(
        self,
        con: "duckdb.DuckDBPyConnection",
        table: str,
        pairs: Sequence[tuple[str, str]],
        *,
        of_nothing: bool,
    ) -> list[tuple[str, str]]:
        import duckdb

        evidence = [evidence_sql(quote_identifier(name), type, of_nothing=of_nothing) for name, type in pairs]
        try:
            found = con.execute(f"SELECT {', '.join(['count(*)', *evidence])} FROM {table}").fetchone()
        except duckdb.Error as error:
            raise self._error(error) from None
        return [pair for pair, fits in zip(pairs, (found or (0,))[1:], strict=True) if fits]

    def _header(self) -> tuple[list[str], str]:
        """The names of the columns, and what separates them."""
        path = open_path(self.url)
        with storage_errors(self.url), path.open("rb") as raw:
            packed = self.url.lower().endswith(".gz")
            start = gzip.GzipFile(fileobj=raw).read(_HEAD) if packed else raw.read(_HEAD)
        try:
            # Only whole lines: the piece may end in the middle of a character.
            text = (start.rpartition(b"\n")[0] or start).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise self._not_utf8() from None
        headers = {
            each: next(csv.reader(io.StringIO(text, newline=""), delimiter=each), []) for each in ",;\t|"
        }
        delimiter = max(headers, key=lambda each: len(headers[each]))
        names = headers[delimiter]
        if not any(name.strip() for name in names):
            raise SourceError(
                "The CSV file has no header.", place=self.url, remedy="Name the columns in its first line."
            )
        if any(_CUSTOMER.fullmatch(name.strip()) for name in names):
            raise SourceError(
                "The first line of the CSV file looks like a customer, not like the names of columns.",
                place=self.url,
                remedy="Name the columns in the first line. It is not shown: it may be personal data.",
            )
        check_names(names, "external_id", place=self.column_place, error=SourceError, complete=False)
        return names, delimiter

    def _not_utf8(self) -> SourceError:
        return SourceError(
            "The CSV file is not UTF-8 text.",
            place=self.url,
            remedy="Save it as UTF-8 (with or without BOM).",
        )

    def _error(self, error: "duckdb.Error") -> SourceError:
        """DuckDB quotes the line it cannot read; only its number is kept."""
        message = str(error)
        if re.search("unicode|utf-8", message, re.IGNORECASE):
            return self._not_utf8()
        line = re.search(r"CSV Error on Line: (\d+)", message)
        return SourceError(
            "A line of the CSV file does not fit its header, or a quote is not closed.",
            place=f"{self.url}:{line.group(1)}" if line else self.url,
            remedy="Each line needs as many cells as the header; cells with delimiters or line breaks need "
            "double quotes.",
        )
