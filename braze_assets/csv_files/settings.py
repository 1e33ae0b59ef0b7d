"""How the CSV files of a drop are read."""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.braze.limits import Limits
from braze_assets.errors import ConfigurationError

__all__ = ["Cast", "CsvSettings"]

Cast = Literal["string", "integer", "float", "boolean"]
"""The type a column is given whatever its cells look like."""


@dataclass(frozen=True, kw_only=True)
class CsvSettings:
    """How the CSV files of a drop are read.

    Args:
        identifier: What users are known by; the first column, for `user_alias` the first two.
        casts: By column name. A column without one has each of its cells read by what it looks like.
        encoding: Any of Python's text encodings. A byte-order mark is left out.
        delimiter: One character.
        limits: What the destination accepts.
        line_bytes: A longer line is refused.
        record_bytes: A longer record, over several lines, is refused.
        cell_chars: A longer cell is refused: a quote that never closes makes one of the rest of the file.
        columns: More are refused.

    Raises:
        ConfigurationError: Encoding or delimiter cannot be.
    """

    identifier: IdentifierKind = "external_id"
    casts: Mapping[str, Cast] = field(default_factory=dict)
    encoding: str = "utf-8"
    delimiter: str = ","
    limits: Limits = field(default_factory=Limits)
    line_bytes: int = 4_000_000
    record_bytes: int = 4_000_000
    cell_chars: int = 131_072
    columns: int = 2_000

    def __post_init__(self) -> None:
        try:
            # Some of Python's codecs are of bytes, such as zip.
            codecs.getincrementaldecoder(self.encoding)().decode(b"", final=True)
            "".encode(self.encoding)
        except (LookupError, TypeError, AttributeError) as error:
            raise ConfigurationError(
                f"{self.encoding!r} is not an encoding of text.",
                place="encoding",
                remedy="Give one such as utf-8, windows-1252, iso-8859-1, utf-16 or shift_jis.",
            ) from error
        if len(self.delimiter) != 1 or not self.delimiter.isascii() or self.delimiter in '"\r\n\0':
            raise ConfigurationError(
                f"{self.delimiter!r} cannot be a delimiter.",
                place="delimiter",
                remedy='Give one character such as "," or ";" or a tab ("\\t").',
            )

    @property
    def identifier_headers(self) -> tuple[str, ...]:
        """What the first columns are called."""
        if self.identifier == "user_alias":
            return ("user_alias_name", "user_alias_label")
        return (self.identifier,)
