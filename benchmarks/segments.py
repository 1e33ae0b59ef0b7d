"""100 segments over a day of the Customer 360 sample in one pass, beside the slowest of them by itself."""

from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure
from benchmarks.measure import best, measured
from benchmarks.sample import copies
from benchmarks.scale import FULL, Scale
from braze_assets.assets.segments import SegmentDefinition, SegmentsDefinition
from braze_assets.assets.segments.members import computed_members
from braze_assets.segments import Segment, Tables, read_rule, tables_of
from braze_assets.storage import StoredTable
from braze_assets.storage.partitions import PartitionedTable

__all__ = ["run"]

_WINDOWS = ("7 days", "30 days", "90 days", "6 months", "1 year")
_COUNTRIES = ("US", "GB", "DE", "FR", "JP", "BR", "CA", "AU")
_HEAVY = ("product_1", "channel_web_1", "amount_1", "value_8")
"""One of each kind that reads much: items, orders, their revenue, all tables of one row a customer."""


def run(scale: Scale, work: Path) -> list[Figure]:
    """All together and the heavy kinds by themselves, in turn."""
    folder = str(work / f"segments-{scale.customers}")
    measured("segments:prepare", folder=folder, customers=scale.customers)
    names = list(rules())
    ours, *alone = best(
        1,
        partial(measured, "segments:evaluate", folder=folder, names=names),
        *(partial(measured, "segments:evaluate", folder=folder, names=[name]) for name in _HEAVY),
    )
    slowest = max(alone, key=lambda step: step.cpu)
    name = _HEAVY[alone.index(slowest)]
    judged = scale.customers >= FULL.customers
    common = {"case": "segments", "beside": "the slowest of them by itself"}
    counted = {name: step.result["members"][name] for name, step in zip(_HEAVY, alone, strict=True)}
    if any(ours.result["members"][name] != members for name, members in counted.items()):
        raise RuntimeError(f"together {ours.result}, alone {counted}")
    return [
        Figure(
            **common,
            what=f"{len(names)} segments of {scale.customers:,} customers, evaluated in one pass",
            value=ours.cpu,
            baseline=slowest.cpu,
            unit="s CPU",
            goal="3 x",
            met=ours.cpu <= 3 * slowest.cpu if judged else None,
            note=f"{ours.seconds:.1f} s and {slowest.seconds:.1f} s ({name}), of which compiling "
            f"{ours.result['compiling']:.2f} s",
        ),
        Figure(
            **common,
            what="peak memory of that",
            value=ours.peak,
            baseline=slowest.peak,
            unit="MB",
            note=f"spilled {ours.spilled:,.0f} MB and {slowest.spilled:,.0f} MB",
        ),
    ]


def prepare(folder: str, customers: int) -> None:
    """The sample of one day."""
    if not Path(folder).exists():
        copies(folder, customers)


def evaluate(folder: str, names: list[str]) -> dict[str, Any]:
    """What a run of these segments does before it writes them."""
    import time

    start = time.perf_counter()
    definition = _definition()
    chosen = [each.segment for each in definition.segments if each.name in names]
    read = {table for each in definition.segments if each.name in names for table in each.tables}
    inputs = {
        table: PartitionedTable(table, {}, whole=StoredTable.at(f"{folder}/{table}.parquet"))
        for table in read
    }
    compiling = time.perf_counter() - start
    with computed_members(definition, chosen, inputs) as members:
        counted = members.counted(None)
    return {"members": dict(counted.members), "compiling": compiling}


def rules() -> dict[str, Any]:
    """100 rules of the kinds that people write, many on the same columns and orders."""
    kinds: dict[str, list[Any]] = {
        "channel_web": [
            {"purchased": {"when": f"in the last {each}", "channel": "web"}} for each in _WINDOWS
        ],
        "channel_store": [
            {"not purchased": {"when": f"in the last {each}", "channel": "store"}} for each in _WINDOWS
        ],
        "count": [
            {"purchased": {"when": f"in the last {each}", "count": {"at least": count}}}
            for each in _WINDOWS
            for count in (2, 3)
        ],
        "amount": [
            {"purchased": {"when": f"in the last {each}", "amount": {"at least": amount}}}
            for each in _WINDOWS
            for amount in (100, 250)
        ],
        "product": [
            {"purchased": {"when": f"in the last {each}", "product": ["P0001", "P0002", "P0003"]}}
            for each in _WINDOWS
        ],
        "country": [{"country": {"is": each}, "contactable_email": "is true"} for each in _COUNTRIES],
        "value": [
            {
                "lifetime_order_revenue": {"at least": 100 * step},
                "L12M_monetary": {"at least": step},
                "is_email_opted_in": "is true",
                "is_sms_opted_in": "is not true",
                "country": {"is not in": ["DE", "AT"]},
                "not": {"any": [{"is_test_account": "is true"}, {"is_employee": "is true"}]},
            }
            for step in range(1, 11)
        ],
        "lapsing": [
            {"latest_order_datetime": f"more than {each} ago", "in segment": "value_1"} for each in _WINDOWS
        ],
        "young": [
            {"birthdate": {"after": f"{years} years ago"}, "one_and_done": "is true"}
            for years in range(20, 32)
        ],
        "mail": [
            {
                "merged_customers.email": {"ends with": f"example.{each}"},
                "merged_customers.loyalty_id": "is not blank",
            }
            for each in ("com", "org", "net")
        ],
        "tier": [
            {"sql": f"current_balance > {500 * step} AND unified_loyalty.is_opted_in"} for step in range(1, 8)
        ],
        "city": [
            {"city": {"starts with": letter}, "in segment": f"country_{1 + number % 8}"}
            for number, letter in enumerate("ABCDEFGHIJKLMNOPQRST")
        ],
    }
    found = {f"{kind}_{n}": rule for kind, each in kinds.items() for n, rule in enumerate(each, start=1)}
    assert len(found) == 100, len(found)
    return found


def _definition() -> SegmentsDefinition:
    from braze_assets.customer_360 import TABLES

    segments = {name: Segment(name, read_rule(rule, str)) for name, rule in rules().items()}
    tables = Tables({name: {c: kind for c, kind, _ in each.columns} for name, each in TABLES.items()})
    return SegmentsDefinition(
        name="segments",
        segments=[
            SegmentDefinition(segment=each, tables=tables_of([each], tables, segments))
            for each in segments.values()
        ],
        tables=tables,
    )
