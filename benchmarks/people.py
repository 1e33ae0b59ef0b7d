"""Made-up users: the wanted table, and a ledger in which some of them differ."""

from datetime import datetime, timezone
from pathlib import Path

from deltalake import WriterProperties, write_deltalake

from braze_assets.ledger import Ledger
from braze_assets.ledger.acknowledged import acknowledged_table
from braze_assets.rows import ROWS_KEY, Attribute, AttributeType, RowsHeader
from braze_assets.storage import Storage, StoredTable, connect, open_path, write_parquet

__all__ = [
    "AS_OF",
    "ATTRIBUTES",
    "NOW",
    "PARTITION",
    "SYNC",
    "header",
    "held_sql",
    "ledger_of",
    "prepare",
    "rows_of",
    "wanted_sql",
]

SYNC = "people"
PARTITION = "2026-11-21"
AS_OF = datetime(2026, 11, 22, tzinfo=timezone.utc)
NOW = datetime(2026, 11, 22, 3, tzinfo=timezone.utc)
CHANGED_PERCENT = 8

ATTRIBUTES: dict[str, tuple[str, str]] = {
    "first_name": ("VARCHAR", "'Name' || h % 5000"),
    "last_name": ("VARCHAR", "'Family' || h % 90000"),
    "email": ("VARCHAR", "'person' || i || '@example.com'"),
    "home_city": ("VARCHAR", "'City ' || h % 900"),
    "country": ("VARCHAR", "['US', 'DE', 'JP', 'BR', 'GB'][1 + h % 5]"),
    "favourite_store": ("VARCHAR", "'Store ' || h % 400"),
    "loyalty_tier": (
        "VARCHAR",
        "['basic', 'silver', 'gold'][1 + (h + i * d::INTEGER) % 3]",
    ),
    "lifecycle": ("VARCHAR", "['new', 'active', 'lapsed', 'dormant'][1 + h % 4]"),
    "visits": ("BIGINT", "h % 300 + d::INTEGER"),
    "orders": ("BIGINT", "h % 60"),
    "points": ("BIGINT", "h % 20000 + 50 * d::INTEGER"),
    "household": ("BIGINT", "h % 6"),
    "spend": ("DECIMAL(12,2)", "(h % 900000) / 100 + d::INTEGER"),
    "average_order": ("DECIMAL(9,2)", "(h % 30000) / 100"),
    "propensity": ("DOUBLE", "(h % 10007) / 10007"),
    "churn_risk": ("DOUBLE", "CASE WHEN h % 10 > 0 THEN (h % 5003) / 5003 END"),
    "birthday_on": ("DATE", "DATE '1950-01-01' + (h % 20000)::INTEGER"),
    "last_order_on": ("DATE", "DATE '2026-11-20' - (h % 700)::INTEGER * (NOT d)::INTEGER"),
    "last_seen": (
        "TIMESTAMP WITH TIME ZONE",
        "TIMESTAMPTZ '2026-11-20 00:00:00+00' - to_seconds((h % 9000000)::DOUBLE)",
    ),
    "opted_in": ("BOOLEAN", "h % 3 = 0"),
}
"""The type and the SQL of each; `h` is a random number of the user, `d` whether the user has changed."""


def rows_of(folder: str) -> StoredTable:
    """The wanted table."""
    return StoredTable.at(f"{folder}/rows.parquet")


def ledger_of(folder: str) -> Ledger:
    """The ledger."""
    return Ledger(Storage(folder), SYNC, "external_id")


def prepare(folder: str, users: int, *, with_ledger: bool) -> None:
    """Write both; does nothing where that was done before."""
    if Path(folder, "made").exists():
        return
    with connect() as connection:
        rows = connection.sql(wanted_sql(users))
        path = open_path(rows_of(folder).uris[0])
        write_parquet(path, rows.to_arrow_reader(50_000), metadata={ROWS_KEY: header().to_document()})
        if with_ledger:
            ledger = ledger_of(folder)
            table = acknowledged_table(ledger.storage, f"{ledger.uri}/acknowledged", "external_id")
            write_deltalake(
                table.open_or_create(),
                connection.sql(held_sql(users)).to_arrow_reader(50_000),
                mode="append",
                schema_mode="merge",
                writer_properties=WriterProperties(max_row_group_size=122_880),
            )
    Path(folder, "made").touch()


def header() -> RowsHeader:
    """What the wanted table says of itself."""
    return RowsHeader(
        name=SYNC,
        identifier="external_id",
        partition=PARTITION,
        as_of=AS_OF,
        query_digest="made up",
        attributes=tuple(
            Attribute(name=name, kind="custom", type=AttributeType.from_sql(type))
            for name, (type, _) in ATTRIBUTES.items()
        ),
    )


def wanted_sql(users: int) -> str:
    """The users as they are today."""
    checked = "NULL::VARCHAR AS _error, []::STRUCT(attribute VARCHAR, problem VARCHAR, detail VARCHAR)[]"
    return f"SELECT *, {checked} AS _findings FROM ({_people(f'range({users})', 'i', 'true')})"


def held_sql(users: int, *, first: int = 0, last: int | None = None) -> str:
    """The users as Braze holds them, in another order: as a ledger is after some time."""
    stamps = (
        "NULL::VARCHAR[] AS _unknown, 'earlier' AS _plan_id, '2026-11-20' AS _partition, "
        "TIMESTAMPTZ '2026-11-21 03:00:00+00' AS _acknowledged_at"
    )
    place = f"(i * 999983 + 12345) % {users}"
    span = f"range({first}, {users if last is None else last})"
    return f"SELECT *, {stamps} FROM ({_people(span, place, 'false')})"


def _people(span: str, place: str, today: str) -> str:
    """The users, as they are today or as they were: then none of the changed ones had changed yet."""
    columns = ", ".join(f"CAST({sql} AS {type}) AS {name}" for name, (type, sql) in ATTRIBUTES.items())
    return (
        f"SELECT printf('c-%016x', hash(i)) AS external_id, {columns} FROM ("
        f"SELECT *, (hash(i, 1) >> 2)::BIGINT AS h, {today} AND hash(i, 2) % 100 < {CHANGED_PERCENT} AS d "
        f"FROM (SELECT ({place})::BIGINT AS i FROM {span} AS r(i)))"
    )
