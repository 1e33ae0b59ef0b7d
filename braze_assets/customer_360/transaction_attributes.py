"""Transaction_Attributes_Extended: one row a customer who ever bought, computed from the orders."""

from datetime import date

from braze_assets.customer_360.rollups import ROLLUPS
from braze_assets.customer_360.sample_table import Column, SampleTable, render
from braze_assets.customer_360.settings import SampleSettings

__all__ = ["TRANSACTION_ATTRIBUTES_EXTENDED"]

_OF_AN_ORDER = (
    ("datetime", "order_datetime", "TIMESTAMP WITH TIME ZONE", "When the {} order was placed."),
    ("id", "order_id", "VARCHAR", "The {} order."),
    ("revenue", "order_revenue", "DECIMAL(18,2)", "Revenue of the {} order."),
    ("purchase_channel", "purchase_channel", "VARCHAR", "Channel of the {} order."),
    ("purchase_brand", "purchase_brand", "VARCHAR", "Brand of the {} order."),
    ("store_id", "store_id", "VARCHAR", "Store of the {} order, if it was in one."),
)
_ORDERS = (("first", 6), ("second", 4), ("latest", 6))
"""Which orders are told about, and how many of the above of each."""
_EARLY_REPEAT_DAYS = 84


def _query(settings: SampleSettings, day: date) -> str:
    return render(
        f"""
    WITH orders AS NOT MATERIALIZED (
        SELECT *, order_quantity > 0 AS sold FROM unified_transactions
        WHERE amperity_id IS NOT NULL AND order_datetime < $day_end
    ),
    channels AS ({_bits("purchase_channel")}),
    brands AS ({_bits("purchase_brand")}),
    -- A row for every purchaser. Two passes, one for single orders and one for sums, keep less in memory than
    -- one with all aggregates.
    purchasers AS (
        SELECT amperity_id, {_of_orders()}
        FROM orders
        WHERE sold
        WINDOW
            in_order AS (PARTITION BY amperity_id ORDER BY order_datetime, order_id),
            to_the_end AS (in_order ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
        QUALIFY row_number() OVER in_order = 1
    ),
    totals AS (
        SELECT amperity_id, {", ".join(total for rollup in ROLLUPS for total in rollup.totals())}
        FROM orders
        LEFT JOIN channels ON purchase_channel = channels.name
        LEFT JOIN brands ON purchase_brand = brands.name
        GROUP BY amperity_id
    ),
    ranks AS ({_ranks()})
    SELECT
        *,
        {", ".join(average for rollup in ROLLUPS for average in rollup.averages())},
        {_days("first_order_datetime", "second_order_datetime")} AS first_to_second_order_days,
        {_days("first_order_datetime", "latest_order_datetime")} AS first_to_latest_order_days,
        {_days("latest_order_datetime", "$day_end")} - 1 AS days_since_latest_order,
        lifetime_order_frequency = 1 AS one_and_done,
        coalesce(first_to_second_order_days <= {_EARLY_REPEAT_DAYS}, false) AS early_repeat_purchaser,
        lifetime_purchase_channels > 1 AS multi_purchase_channel,
        lifetime_purchase_brands > 1 AS multi_purchase_brand
    FROM purchasers JOIN totals USING (amperity_id) LEFT JOIN ranks USING (amperity_id)
    """,
        day,
    )


def _of_orders() -> str:
    of_the_first_row = {
        "first": "{}",
        "second": "lead({}) OVER in_order",
        "latest": "last_value({}) OVER to_the_end",
    }
    return ", ".join(
        f"{of_the_first_row[which].format(source)} AS {which}_order_{name}"
        for which, many in _ORDERS
        for name, source, _, _ in _OF_AN_ORDER[:many]
    )


def _bits(column: str) -> str:
    """A bit for each value of a column: different ones are counted without keeping a set for every customer.

    There are 62; values beyond share the last.
    """
    bit = "1::BIGINT << least(row_number() OVER (ORDER BY name) - 1, 61)"
    values = f"SELECT DISTINCT {column} AS name FROM orders WHERE {column} IS NOT NULL"
    return f"SELECT name, {bit} AS bit FROM ({values})"


def _ranks() -> str:
    """RFM: tenths of the customers who bought in the last twelve months, 10 the best."""
    return """
        SELECT amperity_id, L12M_recency, L12M_frequency, L12M_monetary,
            (L12M_recency::VARCHAR || L12M_frequency || L12M_monetary)::INTEGER AS L12M_rfm_score
        FROM (
            SELECT
                amperity_id,
                ntile(10) OVER (ORDER BY latest, hash(amperity_id)) AS L12M_recency,
                ntile(10) OVER (ORDER BY frequency, hash(amperity_id)) AS L12M_frequency,
                ntile(10) OVER (ORDER BY monetary, hash(amperity_id)) AS L12M_monetary
            FROM (
                SELECT amperity_id, max(order_datetime) AS latest, count(*) AS frequency,
                    sum(order_revenue) AS monetary
                FROM orders
                WHERE sold AND order_datetime >= $day_end - INTERVAL 12 MONTH
                GROUP BY amperity_id
            )
        )"""


def _days(since: str, until: str) -> str:
    """Whole calendar days (UTC) from one instant to another."""
    # Not `::DATE`: casts of TIMESTAMPTZ ask the calendar of the time zone for every row, and are slow.
    return f"(epoch_us({until}) // 86400000000 - epoch_us({since}) // 86400000000)"


def _order_columns() -> tuple[Column, ...]:
    return tuple(
        (f"{which}_order_{name}", sql_type, description.format(which))
        for which, many in _ORDERS
        for name, _, sql_type, description in _OF_AN_ORDER[:many]
    )


TRANSACTION_ATTRIBUTES_EXTENDED = SampleTable(
    name="transaction_attributes_extended",
    description="One row a customer who ever bought: their orders rolled up, ranked and flagged.",
    columns=(
        ("amperity_id", "VARCHAR", "The person."),
        *_order_columns(),
        ("days_since_latest_order", "BIGINT", "Days from the latest order to the day of the snapshot."),
        ("first_to_latest_order_days", "BIGINT", "Days from the first order to the latest."),
        (
            "first_to_second_order_days",
            "BIGINT",
            "Days from the first order to the second, null without one.",
        ),
        (
            "early_repeat_purchaser",
            "BOOLEAN",
            f"Whether the second order came within {_EARLY_REPEAT_DAYS} days.",
        ),
        ("one_and_done", "BOOLEAN", "Whether there is one order only."),
        ("multi_purchase_brand", "BOOLEAN", "Whether more than one brand was bought."),
        ("multi_purchase_channel", "BOOLEAN", "Whether more than one channel was used."),
        *(column for rollup in ROLLUPS for column in rollup.columns),
        (
            "L12M_recency",
            "INTEGER",
            "Tenth by latest order, 10 the most recent; null without orders in 12 months.",
        ),
        ("L12M_frequency", "INTEGER", "Tenth by number of orders, 10 the most."),
        ("L12M_monetary", "INTEGER", "Tenth by revenue, 10 the most."),
        ("L12M_rfm_score", "INTEGER", "The three tenths written one after the other: 111 to 101010."),
    ),
    key=("amperity_id",),
    depends_on=("unified_transactions",),
    query=_query,
)
