"""What a table of rows says of itself, kept in the metadata of its Parquet file."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, cast

from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.errors import StorageError
from braze_assets.rows.types import AttributeType
from braze_assets.storage import StoredTable

__all__ = ["ROWS_KEY", "Attribute", "NullPolicy", "RowsHeader", "Update", "read_rows_header"]

ROWS_KEY = "braze_assets.rows"
"""The key of the header in the file's metadata."""

NullPolicy = Literal["omit", "unset"]
"""What a NULL means: nothing to send, or remove the attribute in Braze."""

Update = Literal["whole", "patch"]
"""How a changed array or object is sent: the whole value, or only what changed where that is safe."""


@dataclass(frozen=True)
class Attribute:
    """One attribute column of a table of rows."""

    name: str
    kind: Literal["profile", "custom"]
    type: AttributeType
    null_policy: NullPolicy = "omit"
    description: str = ""
    update: Update = "whole"


@dataclass(frozen=True, kw_only=True)
class RowsHeader:
    """The identifier, the attributes and the moment of a table of rows."""

    name: str
    identifier: IdentifierKind
    partition: str | None
    as_of: datetime
    """The end of the partition, aware, UTC."""
    query_digest: str
    attributes: tuple[Attribute, ...]

    def attribute(self, name: str) -> Attribute:
        """The attribute of this name.

        Raises:
            KeyError: There is none.
        """
        for attribute in self.attributes:
            if attribute.name == name:
                return attribute
        raise KeyError(name)

    def to_document(self) -> dict[str, Any]:
        """The header as JSON-ready data."""
        document = asdict(self)
        document["as_of"] = self.as_of.isoformat()
        document["attributes"] = [
            {**asdict(attribute), "type": attribute.type.sql} for attribute in self.attributes
        ]
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "RowsHeader":
        """The header that `to_document` wrote."""
        attributes = tuple(
            Attribute(**{**one, "type": AttributeType.from_sql(one["type"])})
            for one in document["attributes"]
        )
        return cls(
            name=document["name"],
            identifier=cast(IdentifierKind, document["identifier"]),
            partition=document["partition"],
            as_of=datetime.fromisoformat(document["as_of"]),
            query_digest=document["query_digest"],
            attributes=attributes,
        )


def read_rows_header(table: StoredTable) -> RowsHeader:
    """The header of a stored table of rows.

    Raises:
        StorageError: The table is not there, or is not a table of rows.
    """
    document = table.document(ROWS_KEY)
    if document is None:
        raise StorageError(
            "The Parquet file is not a table of rows for Braze: its metadata lacks the header.",
            place=table.uris[0],
            remedy="Materialize the rows again.",
        )
    return RowsHeader.from_document(document)
