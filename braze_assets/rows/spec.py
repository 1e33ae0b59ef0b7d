"""How a wanted table is declared."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.braze.limits import Limits
from braze_assets.rows.buckets import Bucket
from braze_assets.rows.header import NullPolicy, Update
from braze_assets.rows.types import AttributeType

if TYPE_CHECKING:
    from braze_assets.rows.files import TableFile
    from braze_assets.rows.query import TableQuery

__all__ = ["AttributeSettings", "RowsSpec"]


@dataclass(frozen=True, kw_only=True)
class AttributeSettings:
    """What is said of one attribute beyond the query.

    Args:
        null_policy: What a NULL means; the table's own policy when None.
        description: For people.
        type: The type to cast to, as an `AttributeType` or its name (`Decimal(10,2)`); a cell that does not
            convert is a finding. Profile fields keep the type Braze gives them.
        update: Whether a changed array or object is sent whole, or as a patch where that is safe and smaller.
            A patch relies on Braze holding what it acknowledged: a value that something else changed there
            stays wrong, where a whole value would mend it.
        bucket: Turns a number into a label, a flag or a rounder number before anything else.

    Raises:
        QueryError: The type is not one of the known ones.
    """

    null_policy: NullPolicy | None = None
    description: str = ""
    type: AttributeType | str | None = None
    update: Update = "whole"
    bucket: Bucket | None = None

    @property
    def cast(self) -> AttributeType | None:
        """The type to cast to, or None."""
        return AttributeType.from_sql(self.type) if isinstance(self.type, str) else self.type

    def __post_init__(self) -> None:
        _ = self.cast


@dataclass(frozen=True, kw_only=True)
class RowsSpec:
    """A wanted table: where its rows come from, and what is said of its columns.

    Args:
        name: The name of the sync.
        query: The SQL, or a file by URL.
        identifier: What a row is known by; the column (or the two of `user_alias`) must be there.
        attributes: Settings by delivered name.
        null_policy: What a NULL means where an attribute's settings do not say.
        limits: What the destination accepts.
        names: The attribute that a column becomes, where that is another name.
        catalog: Settings by attribute that hold where `attributes` has none; the table need not have them.
        yields: Attributes that are left out: another sync owns them.
    """

    name: str
    query: "TableQuery | TableFile"
    identifier: IdentifierKind = "external_id"
    attributes: Mapping[str, AttributeSettings] = field(default_factory=dict)
    null_policy: NullPolicy = "omit"
    limits: Limits = field(default_factory=Limits)
    names: Mapping[str, str] = field(default_factory=dict)
    catalog: Mapping[str, AttributeSettings] = field(default_factory=dict)
    yields: Collection[str] = ()

    def settings(self, attribute: str) -> AttributeSettings:
        """What is said of an attribute."""
        return self.attributes.get(attribute) or self.catalog.get(attribute) or AttributeSettings()
