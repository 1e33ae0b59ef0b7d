"""The table of a campaign or of audiences: one row a member, what Braze is told of it in its columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.campaigns.split import Split
from braze_assets.storage import quote_identifier, quote_literal

__all__ = ["Audience", "Chosen", "audience_table", "members_sql"]


@dataclass(frozen=True, kw_only=True)
class Audience:
    """Members, and the attribute that says so.

    Args:
        name: What it is called; in an array, its item.
        attribute: Of Braze.
        include: Tables of members, in one at least of which a customer is.
        exclude: Tables of members, in none of which a customer is.
        split: Of a campaign; who is control is no member.
        treatment: Of the split; everybody who is not control when None.
        retired: Nobody is a member any more.
    """

    name: str
    attribute: str
    include: Sequence[str]
    exclude: Sequence[str] = ()
    split: Split | None = None
    treatment: str | None = None
    retired: bool = False


@dataclass(frozen=True)
class Chosen:
    """An attribute that is sent to members: a column of a table with one row a customer."""

    table: str
    column: str


@dataclass(frozen=True, kw_only=True)
class _Place:
    customers: str
    key: str
    identifier: Sequence[str] = field(default_factory=tuple)


def members_sql(audience: Audience, key: str) -> str:
    """SQL: the keys of all members, control included, each once."""
    column = quote_identifier(key)
    included = " UNION ".join(f"SELECT {column} FROM {quote_identifier(t)}" for t in audience.include)
    excluded = " UNION ".join(f"SELECT {column} FROM {quote_identifier(t)}" for t in audience.exclude)
    return f"({included}) EXCEPT ({excluded})" if excluded else included


def audience_table(
    audiences: Sequence[Audience],
    *,
    array: str | None = None,
    chosen: Mapping[str, Chosen] | None = None,
    customers: str,
    key: str,
    identifier: IdentifierKind,
) -> str:
    """The SELECT of the table: who is in none of the audiences has no row.

    Args:
        audiences: One boolean attribute each: true, or NULL.
        array: The one attribute whose items are the names of the audiences, instead of booleans.
        chosen: Other attributes by name.
        customers: The table of the customers.
        key: Its column that tells customers apart; the tables of members and of attributes have it too.
        identifier: What Braze knows them by: the column (for `user_alias` the two columns) of the customers.
    """
    place = _Place(customers=customers, key=key, identifier=_columns(identifier))
    ctes, joins, marks = [], [], {}
    splits: dict[tuple[object, ...], str] = {}
    for audience in audiences:
        if audience.retired:
            marks[audience.name] = "false"
            continue
        who = (tuple(audience.include), tuple(audience.exclude), repr(audience.split))
        if who not in splits:
            splits[who] = alias = f"_m{len(splits)}"
            treatment = audience.split.sql("_key") if audience.split else "''"
            ctes.append(
                f"{alias} AS (\n  SELECT _key, {treatment} AS _treatment\n  FROM (SELECT "
                f"{quote_identifier(key)} AS _key FROM (\n    {members_sql(audience, key)}\n  ))\n)"
            )
            joins.append(f"LEFT JOIN {alias} ON {alias}._key = _c.{quote_identifier(key)}")
        treated = f"{splits[who]}._treatment"
        is_in = f"{treated} IS NOT NULL"
        if audience.treatment is not None:
            is_in = f"{treated} IS NOT DISTINCT FROM {quote_literal(audience.treatment)}"
        marks[audience.name] = is_in
    columns = [f"_c.{quote_identifier(name)}" for name in place.identifier]
    columns += _marks(audiences, marks, array)
    tables: dict[str, str] = {customers: "_c"}
    for attribute, each in (chosen or {}).items():
        if each.table not in tables:
            alias = tables[each.table] = f"_t{len(tables)}"
            joins.append(
                f"LEFT JOIN {quote_identifier(each.table)} AS {alias} "
                f"ON {alias}.{quote_identifier(key)} = _c.{quote_identifier(key)}"
            )
        columns.append(
            f"{tables[each.table]}.{quote_identifier(each.column)} AS {quote_identifier(attribute)}"
        )
    within = " OR ".join(dict.fromkeys(f"({mark})" for mark in marks.values())) or "false"
    head = f"WITH {', '.join(ctes)}\n" if ctes else ""
    selected = ",\n  ".join(columns)
    joined = "".join(f"\n{join}" for join in joins)
    return f"{head}SELECT\n  {selected}\nFROM {quote_identifier(customers)} AS _c{joined}\nWHERE {within}\n"


def _marks(audiences: Sequence[Audience], marks: Mapping[str, str], array: str | None) -> list[str]:
    if array is None:
        return [
            f"CASE WHEN {marks[each.name]} THEN true END AS {quote_identifier(each.attribute)}"
            for each in audiences
        ]
    items = ", ".join(
        f"CASE WHEN {marks[each.name]} THEN {quote_literal(each.name)} END" for each in audiences
    )
    listed = f"list_filter([{items}], lambda _a: _a IS NOT NULL)"
    return [f"CASE WHEN len({listed}) > 0 THEN {listed} END AS {quote_identifier(array)}"]


def _columns(identifier: IdentifierKind) -> tuple[str, ...]:
    return ("alias_name", "alias_label") if identifier == "user_alias" else (identifier,)
