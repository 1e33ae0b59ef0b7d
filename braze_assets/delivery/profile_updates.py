"""What Braze says that attributes became, against what the ledger holds as acknowledged.

Both sides are read as the attribute's type (`sameness.py`): another spelling is no difference. All of it is
DuckDB's joins between the events and the ledger's rows of their users; only texts that differ are looked at
one by one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from braze_assets.braze.fields import PROFILE_FIELDS
from braze_assets.delivery.canonical import SAME, register_same
from braze_assets.delivery.who_changed import decide
from braze_assets.ledger import Ledger
from braze_assets.ledger.held import Held
from braze_assets.rows import AttributeType, json_form
from braze_assets.storage import quote_identifier, quote_literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["DIFFERENCES", "VERDICTS", "Comparison", "compare_updates"]

VERDICTS: Mapping[str, str] = {
    "equal": "Braze holds what it acknowledged.",
    "changed_since": "Another value, and somebody else wrote it after ours.",
    "taken_otherwise": "Another value right after ours: Braze made that of it.",
    "ours_is_later": "Another value, but ours was acknowledged after it.",
    "newer_event": "Another value, but an event of another hour that is newer says something of it.",
    "outcome_unknown": "The ledger does not rely on its value: the next plan sends it again.",
    "not_held": "The ledger holds no value of it for this user.",
    "hidden": "The value was removed or hashed on its way.",
    "not_in_sync": "The sync never sent the attribute.",
    "unknown_user": "The sync never sent anything to the user.",
    "unidentified": "The user has no identifier of the sync's kind.",
}
"""What can be said of an attribute of a user."""

DIFFERENCES = "told_differences"
"""A temporary table: `event_id`, `identifier`, `attribute`, `expected` and `found` (JSON text), `verdict`,
`event_time`, `source`. One row a value that is not the acknowledged one. These are personal data."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What a comparison found; it names nobody. `DIFFERENCES` of the connection does."""

    events: int = 0
    unreadable: int = 0
    """Events without a time, or whose custom attributes are no JSON object."""
    users: int = 0
    values: Mapping[str, int] = field(default_factory=dict)
    """Verdict to values: the latest of each user and attribute."""
    changed: Mapping[str, int] = field(default_factory=dict)
    """Attribute to values of the verdict `changed_since`, the most frequent first."""
    taken_otherwise: Mapping[str, int] = field(default_factory=dict)
    """The same of `taken_otherwise`."""

    def figures(self) -> dict[str, Any]:
        """The figures by name."""
        return {
            "events": self.events,
            "unreadable_events": self.unreadable,
            "users": self.users,
            **{name: self.values.get(name, 0) for name in VERDICTS},
            "changed_attributes": dict(self.changed),
            "attributes_taken_otherwise": dict(self.taken_otherwise),
        }


def compare_updates(
    connection: "DuckDBPyConnection",
    ledger: Ledger,
    updates: str,
    *,
    others: Callable[[str], str | None] = lambda users: None,
) -> Comparison:
    """Compare, and leave the differences in `DIFFERENCES`.

    Args:
        connection: A DuckDB connection.
        ledger: The sync's, settled.
        updates: A query of `event_id`, `identifier`, `attribute`, `found`, `time`, `source`.
        others: From a subquery of identifiers to such a query of the updates before and after; asked
            only where values differ.

    Raises:
        LedgerError, StorageError: The ledger cannot be read.
    """
    held = ledger.acknowledged()
    connection.execute(f"CREATE OR REPLACE TEMP TABLE told_events AS {updates}")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE told AS SELECT identifier, attribute AS told, unnest(latest) FROM ("
        "SELECT identifier, attribute, arg_max("
        "{event_id: event_id, found: found, time: time, source: source}, "
        "{time: time, event_id: event_id, found: found}) AS latest "
        "FROM told_events WHERE attribute IS NOT NULL AND time IS NOT NULL GROUP BY ALL)"
    )
    register_same(connection)
    _compare(connection, held)
    decide(connection, ledger, others)
    return _counted(connection)


def _compare(connection: "DuckDBPyConnection", held: Held) -> None:
    """`told_compared`: the latest values with a first verdict; `differs` is none of the last ones."""
    types = {name: AttributeType.from_sql(sql) for name, sql in held.types().items()}
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE told_names (told VARCHAR, attribute VARCHAR, type VARCHAR, "
        "standard BOOLEAN)"
    )
    # Braze strips blanks around the names of custom attributes.
    told_as = {**{name.strip(): name for name in types}, **{name: name for name in types}}
    if told_as:
        connection.executemany(
            "INSERT INTO told_names VALUES (?, ?, ?, ?)",
            [(told, name, types[name].sql, name in PROFILE_FIELDS) for told, name in told_as.items()],
        )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE told_held AS {_held_rows(connection, held)}")
    asked = _asked(connection)
    forms = " ".join(
        f"WHEN {quote_literal(name)} THEN {json_form(f'h.{quote_identifier(name)}', types[name])}"
        for name in asked
    )
    expected = f"CASE n.attribute {forms} END" if asked else "NULL::VARCHAR"
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE told_compared AS "
        f"WITH joined AS (SELECT t.*, n.attribute, n.type, n.standard, {expected} AS expected, "
        "h.user IS NOT NULL AS known, coalesce(list_contains(h._unknown, n.attribute), false) AS doubtful, "
        "h._acknowledged_at AS stamp, h._plan_id AS plan_id "
        "FROM told AS t LEFT JOIN told_names AS n ON n.told = t.told "
        "LEFT JOIN told_held AS h ON h.user = t.identifier) "
        f"SELECT * EXCLUDE (type, standard, known, doubtful), {_FIRST_VERDICT} AS verdict FROM joined"
    )


_HIDDEN = (
    """standard AND (found = '"[REDACTED]"' OR (regexp_full_match(found, '"[0-9a-f]{64}"') """
    "AND expected IS NOT NULL))"
)
_HASHED = "standard AND found = '\"' || sha256(json_extract_string(expected, '$')) || '\"'"
_SAME_VALUE = (
    "CASE WHEN found IS NOT DISTINCT FROM expected THEN true "
    "WHEN TRY_CAST(found AS DOUBLE) = TRY_CAST(expected AS DOUBLE) THEN true "
    f"WHEN {_HASHED} THEN true ELSE {SAME}(expected, found, type, attribute) END"
)
_FIRST_VERDICT = (
    "CASE WHEN identifier IS NULL THEN 'unidentified' WHEN NOT known THEN 'unknown_user' "
    f"WHEN attribute IS NULL THEN 'not_in_sync' WHEN {_SAME_VALUE} THEN 'equal' "
    f"WHEN {_HIDDEN} THEN 'hidden' WHEN doubtful THEN 'outcome_unknown' ELSE 'differs' END"
)


def _held_rows(connection: "DuckDBPyConnection", held: Held) -> str:
    """The ledger's rows of the users there are events of, with the attributes those are about."""
    source = held.sql(connection)
    if source is None:
        return (
            "SELECT NULL::VARCHAR AS user, NULL::VARCHAR[] AS _unknown, NULL::TIMESTAMPTZ AS "
            "_acknowledged_at, NULL::VARCHAR AS _plan_id WHERE false"
        )
    columns = "".join(f", {quote_identifier(name)}" for name in _asked(connection))
    identifier = quote_identifier(held.identifier)
    return (
        f"SELECT {identifier} AS user, _unknown, _acknowledged_at, _plan_id{columns} FROM {source} "
        f"WHERE {identifier} IN (SELECT identifier FROM told)"
    )


def _asked(connection: "DuckDBPyConnection") -> list[str]:
    """The sync's attributes that there are events of."""
    return [
        name
        for (name,) in connection.sql(
            "SELECT DISTINCT attribute FROM told_names WHERE told IN (SELECT told FROM told) ORDER BY ALL"
        ).fetchall()
    ]


def _counted(connection: "DuckDBPyConnection") -> Comparison:
    [(events, unreadable, users)] = connection.sql(
        "SELECT count(DISTINCT event_id), "
        "count(DISTINCT event_id) FILTER (attribute IS NULL OR time IS NULL), count(DISTINCT identifier) "
        "FROM told_events"
    ).fetchall()
    values = connection.sql(
        "SELECT verdict, count(*) FROM (SELECT verdict FROM told_compared WHERE verdict <> 'differs' "
        f"AND verdict <> 'outcome_unknown' UNION ALL SELECT verdict FROM {DIFFERENCES}) GROUP BY 1"
    ).fetchall()

    def by_attribute(verdict: str) -> dict[str, int]:
        return dict(
            connection.sql(
                f"SELECT attribute, count(*) AS n FROM {DIFFERENCES} WHERE verdict = "
                f"{quote_literal(verdict)} GROUP BY 1 ORDER BY n DESC, 1"
            ).fetchall()
        )

    return Comparison(
        events=events,
        unreadable=unreadable,
        users=users,
        values=dict(values),
        changed=by_attribute("changed_since"),
        taken_otherwise=by_attribute("taken_otherwise"),
    )
