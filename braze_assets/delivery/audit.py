"""The audit: a sample of users read back from Braze and compared with what it acknowledged."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pyarrow as pa

from braze_assets.braze.fields import PROFILE_FIELDS
from braze_assets.braze.limits import Limits
from braze_assets.delivery.client import BrazeClient
from braze_assets.delivery.clocks import Clocks
from braze_assets.delivery.preflight import wait_until_settled
from braze_assets.delivery.read_back import read_profiles
from braze_assets.delivery.sameness import exported, same
from braze_assets.delivery.settings import DeliverySettings
from braze_assets.ledger import Ledger
from braze_assets.rows import AttributeType
from braze_assets.storage import connect, quote_identifier, quote_literal

__all__ = ["AUDIT_SCHEMA", "AuditReport", "audit_sample"]

AUDIT_SCHEMA = pa.schema(
    [
        ("identifier", pa.string()),
        ("attribute", pa.string()),
        ("expected", pa.string()),
        ("found", pa.string()),
        ("verdict", pa.string()),
    ]
)
"""One row a compared value. `verdict` is `match`, `drift` (another value), `missing` (no value) or `no_user`
(Braze does not know the user; then there is one row, without attribute). These are personal data: keep them
where the data itself is kept."""

_EXPORTED = frozenset(
    {
        *(
            "first_name",
            "last_name",
            "email",
            "dob",
            "home_city",
            "country",
            "phone",
            "language",
            "time_zone",
        ),
        *("gender", "email_subscribe", "push_subscribe"),
    }
)
"""Profile fields that `/users/export/ids` shows (Braze documentation, September 2026)."""


@dataclass(frozen=True, kw_only=True)
class AuditReport:
    """What an audit found; the figures name nobody, `values` does."""

    sampled: int = 0
    """Users asked for."""
    found: int = 0
    unknown_users: int = 0
    """Users that Braze does not know. No error where only existing users are updated."""
    compared: int = 0
    """Values of found users."""
    matching: int = 0
    drift: Mapping[str, int] = field(default_factory=dict)
    """Attribute to values that differ or are missing, the most frequent first."""
    not_exported: tuple[str, ...] = ()
    """Attributes that Braze does not show; they are not compared."""
    values: pa.Table = field(default_factory=AUDIT_SCHEMA.empty_table)
    """`AUDIT_SCHEMA`."""

    @property
    def match_rate(self) -> float | None:
        """Of 1; None when nothing could be compared."""
        return self.matching / self.compared if self.compared else None

    def figures(self) -> dict[str, Any]:
        """The figures as plain values by name."""
        names = ("sampled", "found", "unknown_users", "compared", "matching")
        rate = {} if self.match_rate is None else {"match_rate": self.match_rate}
        return {**{name: getattr(self, name) for name in names}, **rate, "drift": dict(self.drift)}


def audit_sample(
    *,
    ledger: Ledger,
    client: BrazeClient | Callable[[], BrazeClient],
    limits: Limits,
    settings: DeliverySettings | None = None,
    plan_id: str | None = None,
    sample: int = 200,
    seed: int = 0,
    clocks: Clocks | None = None,
) -> AuditReport:
    """Read a sample back through `/users/export/ids` (permission `users.export.ids`).

    Waits until the last send has settled. Values whose outcome is unknown are not compared.

    Args:
        ledger: The sync's ledger.
        client: The destination, or what makes it when it is needed.
        limits: Identifiers in a request, requests a minute.
        settings: Timeouts, attempts, settling time.
        plan_id: Only users whose last change came with this plan; all of the ledger when None.
        sample: Users at most.
        seed: Another seed is another sample; the same seed is the same one as long as the ledger is the same.
        clocks: Time, for tests.

    Raises:
        DeliveryError: Braze does not answer, or not this key.
        LedgerError, StorageError: The ledger cannot be read.
    """
    settings, clocks = settings or DeliverySettings(), clocks or Clocks()
    types = {name: AttributeType.from_sql(sql) for name, sql in ledger.acknowledged().types().items()}
    hidden = tuple(name for name in types if name in PROFILE_FIELDS and name not in _EXPORTED)
    types = {name: type for name, type in types.items() if name not in hidden}
    users = _sample(ledger, list(types), plan_id, sample, seed)
    if not users:
        return AuditReport(not_exported=hidden)
    last = ledger.journal.read().last
    if last is not None:
        wait_until_settled(last.time, settling_time=settings.settling_time, clocks=clocks, cancelled=None)
    rows: list[tuple[str | None, ...]] = []
    opened = nullcontext(client) if isinstance(client, BrazeClient) else client()
    with opened as destination:
        for profiles, some in _profiles(ledger, destination, users, types, limits, settings, clocks):
            for identifier in some:
                rows += _compared(identifier, users[identifier], profiles.get(identifier), types)
    return _report(rows, len(users), hidden)


def _sample(
    ledger: Ledger, names: list[str], plan_id: str | None, sample: int, seed: int
) -> dict[str, dict[str, Any]]:
    """Identifier to known values, of users chosen by a hash that only seed and identifier decide."""
    identifier = quote_identifier(ledger.identifier)
    columns = ", ".join(quote_identifier(name) for name in [*names, "_unknown"])
    where = "" if plan_id is None else f"WHERE _plan_id = {quote_literal(plan_id)}"
    with connect() as connection:
        source = ledger.acknowledged().sql(connection)
        if source is None:
            return {}
        rows = connection.sql(
            f"SELECT {identifier}, {columns} FROM {source} {where} "
            f"ORDER BY md5({identifier} || {quote_literal(f'#{seed}')}), {identifier} LIMIT {int(sample)}"
        ).to_arrow_table()
    users = {}
    for row in rows.to_pylist():
        unknown = set(row["_unknown"] or ())
        known = {name: row[name] for name in names if row[name] is not None and name not in unknown}
        users[row[ledger.identifier]] = known
    return users


def _profiles(
    ledger: Ledger,
    client: BrazeClient,
    users: Mapping[str, Any],
    types: Mapping[str, AttributeType],
    limits: Limits,
    settings: DeliverySettings,
    clocks: Clocks,
) -> Iterator[tuple[dict[str, Mapping[str, Any]], Sequence[str]]]:
    """The exported profiles of a few users at a time, with the identifiers asked for."""
    named = "user_aliases" if ledger.identifier == "user_alias" else ledger.identifier
    fields = [named, *(name for name in types if name in PROFILE_FIELDS)]
    if any(name not in PROFILE_FIELDS for name in types):
        fields.append("custom_attributes")
    return read_profiles(
        client,
        list(users),
        kind=ledger.identifier,
        fields=fields,
        limits=limits,
        settings=settings,
        clocks=clocks,
    )


def _compared(
    identifier: str,
    expected: Mapping[str, Any],
    profile: Mapping[str, Any] | None,
    types: Mapping[str, AttributeType],
) -> list[tuple[str | None, ...]]:
    if profile is None:
        return [(identifier, None, None, None, "no_user")]
    rows: list[tuple[str | None, ...]] = []
    for name, value in expected.items():
        found = exported(profile, name, custom=name not in PROFILE_FIELDS)
        if same(value, found, types[name], name=name):
            verdict = "match"
        else:
            verdict = "missing" if found is None else "drift"
        rows.append((identifier, name, _text(value), None if found is None else _text(found), verdict))
    return rows


def _text(value: Any) -> str:
    if isinstance(value, Mapping) and set(value) == {"$json"}:
        return str(value["$json"])
    if isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        return f"[{','.join(map(_text, value))}]"
    if isinstance(value, (list, Mapping, bool)):
        return json.dumps(value, default=_text, ensure_ascii=False)
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _report(rows: list[tuple[str | None, ...]], sampled: int, hidden: tuple[str, ...]) -> AuditReport:
    verdicts = Counter(row[4] for row in rows)
    drift = Counter(str(row[1]) for row in rows if row[4] in ("drift", "missing"))
    columns = list(zip(*rows, strict=True)) or [()] * len(AUDIT_SCHEMA)
    return AuditReport(
        sampled=sampled,
        found=sampled - verdicts["no_user"],
        unknown_users=verdicts["no_user"],
        compared=len(rows) - verdicts["no_user"],
        matching=verdicts["match"],
        drift=dict(drift.most_common()),
        not_exported=hidden,
        values=pa.table([pa.array(column, pa.string()) for column in columns], schema=AUDIT_SCHEMA),
    )
