"""A plan as CSV: what of it a file can carry, and what the file would bring back.

Each cell is read as the importer would read it (`csv_files.values`), and written only if that gives the very
JSON of the plan's object: so a file brings back what the plan says, or less, and what is less is counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from braze_assets.braze.fields import PROFILE_FIELDS
from braze_assets.csv_files.lists import register_lists
from braze_assets.csv_files.settings import Cast, CsvSettings
from braze_assets.csv_files.values import cell_rule
from braze_assets.csv_files.writing import line_sql
from braze_assets.plan.header import PlanHeader
from braze_assets.rows import AttributeType, json_form
from braze_assets.storage import StoredTable, quote_identifier, quote_literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["CsvColumn", "CsvForm", "CsvTable", "csv_table"]

CsvForm = Literal["dashboard", "drop"]
"""`dashboard`: Braze's own import by hand, which takes no arrays, and to which a blank cell and `null` change
nothing (Braze documentation "User import", September 2026). `drop`: what a `CsvDrop` takes."""

_CASTS: Mapping[str, tuple[Cast | None, ...]] = {"String": (None, "string"), "Float": (None, "float")}
"""What a column may be read as, by its type; the first that brings back the most is taken."""


@dataclass(frozen=True)
class CsvColumn:
    """One attribute of a file."""

    name: str
    cast: Cast | None
    """What its cells must be read as to arrive as they are; None where each says that itself."""
    cells: int
    """Values it carries."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Values it does not, by reason."""

    @property
    def standard(self) -> bool:
        """Whether it is a default attribute of Braze rather than a custom one."""
        return self.name in PROFILE_FIELDS


@dataclass(frozen=True)
class CsvTable:
    """A plan's objects as rows of a file.

    Args:
        header: The names of its columns, those of the identifier first.
        columns: All attributes of the plan, also those of which nothing is carried.
        rows: Objects with at least one value that is carried.
        empty: Objects without.
        sql: A query of one column of texts, a row each, in the order of the plan.
    """

    header: tuple[str, ...]
    columns: tuple[CsvColumn, ...]
    rows: int
    empty: int
    sql: str

    @property
    def casts(self) -> dict[str, Cast]:
        """What a `CsvDrop` has to be told of its columns."""
        return {each.name: each.cast for each in self.columns if each.cast and each.cells}

    @property
    def left_out(self) -> int:
        """Values that the file does not carry."""
        return sum(sum(each.left_out.values()) for each in self.columns)


def csv_table(
    connection: "DuckDBPyConnection",
    plan: StoredTable,
    header: PlanHeader,
    form: CsvForm,
    *,
    drop: CsvSettings | None = None,
    first: int | None = None,
) -> CsvTable:
    """What a file of a plan's objects holds; reads the plan once, and once more when the rows are read.

    Args:
        connection: A DuckDB connection; the query is good for it only.
        plan: The plan.
        header: Its header.
        form: Who is to read the file.
        drop: How the drop it is for reads its files, where that is known: its casts are taken as they are.
        first: Only so many first objects; all when None.
    """
    register_lists(connection)
    settings = drop or CsvSettings(identifier=header.identifier)
    source = f"{plan.sql(connection)} WHERE n IS NOT NULL" + (
        f" AND n < {first}" if first is not None else ""
    )
    names = [name for name in header.types if name in header.per_attribute]
    attributes = [
        _Attribute(number, name, AttributeType.from_sql(header.types[name]), form, settings, bool(drop))
        for number, name in enumerate(names)
    ]
    columns = _counted(connection, f"(SELECT {_cells(attributes, 'n')} FROM {source})", attributes)
    chosen = [
        (each, column)
        for each, column in zip(attributes, columns, strict=True)
        if column.cells or (drop is not None and each.name in settings.casts)
    ]
    identifiers = settings.identifier_headers
    key = quote_identifier(header.identifier)
    keys = (
        [f"json_extract_string({key}, '$.alias_{part}')" for part in ("name", "label")]
        if header.identifier == "user_alias"
        else [key]
    )
    of_user = ", ".join(f"{sql} AS k{number}" for number, sql in enumerate(keys))
    rows = f"(SELECT {_cells([each for each, _ in chosen], f'n, {of_user}')} FROM {source})"
    lists = "".join(f", {each.rule(c.cast).list_sql}" for each, c in chosen if each.rule(c.cast).list_sql)
    carried = [
        f"CASE WHEN {each.why(column.cast)} IS NULL THEN {each.cell} END AS t{each.number}"
        for each, column in chosen
    ]
    texts = [f"t{each.number}" for each, _ in chosen]
    some = f"coalesce({', '.join(texts)}) IS NOT NULL" if texts else "false"
    ids = [f"k{number}" for number in range(len(keys))]
    inner = f"SELECT {', '.join(['n', *ids, *carried])} FROM (SELECT *{lists} FROM {rows})"
    [(count,)] = connection.sql(f"SELECT count(*) FROM ({inner}) WHERE {some}").fetchall()
    line = line_sql([*ids, *texts], settings.delimiter)
    return CsvTable(
        header=(*identifiers, *(each.name for each, _ in chosen)),
        columns=tuple(columns),
        rows=int(count),
        empty=(header.counts.objects if first is None else min(first, header.counts.objects)) - int(count),
        sql=f"SELECT {line} AS line FROM ({inner}) WHERE {some} ORDER BY n",
    )


@dataclass(frozen=True)
class _Rule:
    json: str
    list_sql: str


@dataclass(frozen=True)
class _Attribute:
    """An attribute of the plan: `c<number>` is its cell, `w<number>` the JSON that is to arrive."""

    number: int
    name: str
    type: AttributeType
    form: CsvForm
    settings: CsvSettings
    told: bool
    """Whether the casts of the drop are known."""

    @property
    def cell(self) -> str:
        return f"c{self.number}"

    @property
    def wanted(self) -> str:
        return f"w{self.number}"

    @property
    def candidates(self) -> Sequence[Cast | None]:
        """The casts that are tried."""
        if self.told:
            return (self.settings.casts.get(self.name),)
        return (None,) if self.type.array else _CASTS.get(self.type.name, (None,))

    def columns(self) -> str:
        """SQL of cell and JSON, both NULL where nothing is sent."""
        value = f'"values".{quote_identifier(self.name)}'
        sent = f"list_contains(attributes, {quote_literal(self.name)})"
        json = json_form(value, self.type)
        if self.type.array or self.type.name not in ("String", "Date", "Datetime"):
            text = json
        else:
            text = value if self.type.name == "String" else f"""trim({json}, '"')"""
        return (
            f"CASE WHEN {sent} THEN coalesce({text}, 'null') END AS {self.cell}, "
            f"CASE WHEN {sent} THEN coalesce({json}, 'null') END AS {self.wanted}"
        )

    def rule(self, cast: Cast | None) -> _Rule:
        """How the importer reads the cell."""
        rule = cell_rule(self.name, self.cell, cast, self.settings.limits)
        return _Rule(rule.json, f"{rule.list[1]} AS {rule.list[0]}" if rule.list else "")

    def why(self, cast: Cast | None) -> str:
        """SQL of why a value is not carried; NULL where it is, or there is none."""
        reasons = [f"WHEN {self.wanted} IS NULL THEN NULL"]
        if self.type.name == "Object":
            reasons.append("WHEN true THEN 'nested object'")
        elif self.form == "dashboard" and self.type.array:
            reasons.append("WHEN true THEN 'array'")
        if self.form == "dashboard":
            reasons.append(f"WHEN {self.wanted} = 'null' THEN 'unset'")
            # Nobody says what the dashboard makes of it.
            reasons.append(f"WHEN lower({self.cell}) = 'null' THEN 'the word null'")
        same = f"{self.rule(cast).json} IS NOT DISTINCT FROM {self.wanted}"
        reasons += [f"WHEN {same} THEN NULL", f"WHEN {self.cell} = '' THEN 'empty text'"]
        reasons.append(f"WHEN {self.wanted} = 'null' THEN 'unset' ELSE 'would arrive as something else'")
        return f"CASE {' '.join(reasons)} END"


def _cells(attributes: Sequence[_Attribute], more: str) -> str:
    return ", ".join([more, *(each.columns() for each in attributes)])


def _counted(
    connection: "DuckDBPyConnection", source: str, attributes: Sequence[_Attribute]
) -> list[CsvColumn]:
    """For each attribute the cast that carries most of its values, and what is left out then."""
    tried = [(each, cast) for each in attributes for cast in each.candidates]
    if not tried:
        return []
    lists = {each.rule(cast).list_sql for each, cast in tried} - {""}
    counts = ", ".join(
        f"count({each.wanted}), histogram({each.why(cast)}) FILTER ({each.why(cast)} IS NOT NULL)"
        for each, cast in tried
    )
    inner = f"SELECT *{''.join(', ' + text for text in sorted(lists))} FROM {source}"
    [row] = connection.sql(f"SELECT {counts} FROM ({inner})").fetchall()
    best: dict[int, CsvColumn] = {}
    for (each, cast), values, missed in zip(tried, row[::2], row[1::2], strict=True):
        left = {str(reason): int(number) for reason, number in (missed or {}).items()}
        found = CsvColumn(each.name, cast, int(values) - sum(left.values()), left)
        if each.number not in best or found.cells > best[each.number].cells:
            best[each.number] = found
    return [best[each.number] for each in attributes]
