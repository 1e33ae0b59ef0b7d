"""Transaction_Attributes_Extended against a small reference in Python, over orders of any kind."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from math import isnan
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from braze_assets.customer_360 import SampleSettings, day_end, table_sql

DAY = date(2026, 5, 31)
END = day_end(DAY)
SAMPLE = SampleSettings(start=date(2026, 1, 1))
CHANNELS = ("web", "store", None)
WINDOWS = {
    "L30D": (END - timedelta(days=30), END),
    "L3M": (datetime(2026, 3, 1, tzinfo=timezone.utc), END),
    "L6M": (datetime(2025, 12, 1, tzinfo=timezone.utc), END),
    "L12M": (datetime(2025, 6, 1, tzinfo=timezone.utc), END),
    "LY12M": (datetime(2024, 6, 1, tzinfo=timezone.utc), datetime(2025, 6, 1, tzinfo=timezone.utc)),
    "lifetime": (datetime(1970, 1, 1, tzinfo=timezone.utc), END),
}


@dataclass(frozen=True)
class Order:
    customer: int
    at: datetime
    cents: int
    items: int  # 0 for a return
    channel: str | None

    @property
    def revenue(self) -> Decimal:
        return Decimal(self.cents if self.items else 0) / 100

    @property
    def net(self) -> Decimal:
        return Decimal(self.cents if self.items else -self.cents) / 100


moments = st.one_of(
    # The edges of the windows, to the second, and the day itself.
    st.sampled_from([edge for window in WINDOWS.values() for edge in window if edge.year > 1970]).flatmap(
        lambda edge: st.sampled_from([edge - timedelta(seconds=1), edge, edge + timedelta(seconds=1)])
    ),
    st.integers(0, 1_000 * 86_400).map(lambda seconds: END - timedelta(seconds=seconds + 1)),
)
orders = st.lists(
    st.builds(
        Order,
        customer=st.integers(0, 3),
        at=moments,
        cents=st.integers(1, 50_000),
        items=st.integers(0, 3),
        channel=st.sampled_from(CHANNELS),
    ),
    max_size=25,
)


def reference(of: list[tuple[str, Order]]) -> dict[str, Any] | None:
    """The attributes of one customer, from their orders with their ids."""
    of = sorted(((key, o) for key, o in of if o.at < END), key=lambda pair: (pair[1].at, pair[0]))
    sold = [(key, o) for key, o in of if o.items > 0]
    if not sold:
        return None
    first, latest = sold[0][1], sold[-1][1]
    second = sold[1][1] if len(sold) > 1 else None
    to_second = (second.at.date() - first.at.date()).days if second else None
    channels = {o.channel for _, o in sold} - {None}
    row: dict[str, Any] = {
        "first_order_id": sold[0][0],
        "second_order_id": sold[1][0] if second else None,
        "latest_order_id": sold[-1][0],
        "latest_order_revenue": latest.revenue,
        "latest_order_purchase_channel": latest.channel,
        "days_since_latest_order": (DAY - latest.at.date()).days,
        "first_to_second_order_days": to_second,
        "first_to_latest_order_days": (latest.at.date() - first.at.date()).days,
        "one_and_done": len(sold) == 1,
        "early_repeat_purchaser": to_second is not None and to_second <= 84,
        "multi_purchase_channel": len(channels) > 1,
    }
    for name, (since, before) in WINDOWS.items():
        within = [o for _, o in sold if since <= o.at < before]
        row[f"{name}_order_frequency"] = len(within)
        row[f"{name}_order_revenue"] = sum((o.revenue for o in within), Decimal(0))
        if name in ("L6M", "LY12M"):
            continue
        row[f"{name}_total_items"] = sum(o.items for o in within)
        row[f"{name}_purchase_channels"] = len({o.channel for o in within} - {None})
        if name in ("L12M", "lifetime"):
            all_within = [o.net for _, o in of if since <= o.at < before]
            row[f"{name}_net_order_revenue"] = sum(all_within, Decimal(0)) if all_within else None
            row[f"{name}_largest_order_value"] = max((o.revenue for o in within), default=None)
    return row


@pytest.fixture(scope="module")
def plain() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    con.execute(
        "CREATE TABLE given (order_id VARCHAR, amperity_id VARCHAR, order_datetime TIMESTAMPTZ, order_revenue"
        " DECIMAL(18,2), net_order_revenue DECIMAL(18,2), order_quantity BIGINT, purchase_channel VARCHAR,"
        " purchase_brand VARCHAR, store_id VARCHAR)"
    )
    return con


@settings(max_examples=100, deadline=None)
@given(orders)
def test_against_the_reference(plain: duckdb.DuckDBPyConnection, drawn: list[Order]) -> None:
    plain.execute("DELETE FROM given")
    keyed = [(f"O{number:03}", order) for number, order in enumerate(drawn)]
    if keyed:
        plain.executemany(
            "INSERT INTO given VALUES (?, ?, ?, ?, ?, ?, ?, 'Lumen', NULL)",
            [[key, f"c{o.customer}", o.at, o.revenue, o.net, o.items, o.channel] for key, o in keyed],
        )
    query = table_sql("transaction_attributes_extended", SAMPLE, DAY, {"unified_transactions": "given"})
    cursor = plain.execute(query)
    names = [column[0] for column in cursor.description or ()]
    rows = {row[0]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}
    expected = {
        f"c{customer}": row
        for customer in range(4)
        if (row := reference([pair for pair in keyed if pair[1].customer == customer]))
    }
    assert rows.keys() == expected.keys()
    for customer, row in expected.items():
        assert {name: rows[customer][name] for name in row} == row
        average = rows[customer]["lifetime_average_order_value"]
        if row["lifetime_net_order_revenue"] == 0:
            assert isnan(average)
        else:
            assert average == pytest.approx(
                float(row["lifetime_order_revenue"]) / row["lifetime_order_frequency"]
            )
    ranked = sorted(
        (row["L12M_order_revenue"], rows[customer]["L12M_monetary"])
        for customer, row in expected.items()
        if row["L12M_order_frequency"]
    )
    assert [rank for _, rank in ranked] == list(range(1, len(ranked) + 1)), "tenths of few are their places"


def test_rfm_scores_are_tenths_written_together(con: duckdb.DuckDBPyConnection) -> None:
    bought = "FROM today.transaction_attributes_extended WHERE L12M_order_frequency > 0"
    for part in ("recency", "frequency", "monetary"):
        sizes = con.execute(f"SELECT L12M_{part}, count(*) {bought} GROUP BY 1 ORDER BY 1").fetchall()
        assert [tenth for tenth, _ in sizes] == list(range(1, 11))
        assert max(n for _, n in sizes) - min(n for _, n in sizes) <= 1
    text = "L12M_recency::VARCHAR || L12M_frequency::VARCHAR || L12M_monetary::VARCHAR"
    wrong = f"SELECT count(*) {bought} AND L12M_rfm_score::VARCHAR <> {text}"
    assert con.execute(wrong).fetchall() == [(0,)]
    best = f"SELECT min(latest_order_datetime) {bought} AND L12M_recency = 10"
    rest = f"SELECT max(latest_order_datetime) {bought} AND L12M_recency = 9"
    assert con.execute(f"SELECT ({best}) >= ({rest})").fetchall() == [(True,)]
