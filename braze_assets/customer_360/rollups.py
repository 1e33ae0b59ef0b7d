"""The windows of time transactions are rolled up over, and what is computed in each."""

from collections.abc import Iterator
from dataclasses import dataclass

from braze_assets.customer_360.sample_table import Column

__all__ = ["ROLLUPS", "Rollup"]


@dataclass(frozen=True)
class Rollup:
    """A window of time that ends with the day of the snapshot, or before it.

    Args:
        name: What the names of its columns begin with.
        words: The window in words.
        since: SQL of its first instant; None for everything.
        before: SQL of the first instant after it.
        measures: How much is computed: 1 is order frequency and revenue, 2 adds items, channels and average,
            3 the rest.
    """

    name: str
    words: str
    since: str | None
    before: str | None = None
    measures: int = 3

    @property
    def condition(self) -> str:
        """SQL that is true for the orders in the window."""
        since = f"order_datetime >= {self.since}" if self.since else "true"
        return f"{since} AND order_datetime < {self.before}" if self.before else since

    def totals(self) -> Iterator[str]:
        """The aggregates of the window, to be selected from a customer's orders."""
        within, sold = f"FILTER ({self.condition})", f"FILTER (sold AND {self.condition})"
        yield f"count(*) {sold} AS {self.name}_order_frequency"
        yield f"coalesce(sum(order_revenue) {sold}, 0) AS {self.name}_order_revenue"
        if self.measures > 1:
            yield f"coalesce(sum(order_quantity) {sold}, 0) AS {self.name}_total_items"
            yield f"coalesce(bit_count(bit_or(channels.bit) {sold}), 0) AS {self.name}_purchase_channels"
        if self.measures > 2:
            yield f"coalesce(bit_count(bit_or(brands.bit) {sold}), 0) AS {self.name}_purchase_brands"
            yield f"max(order_revenue) {sold} AS {self.name}_largest_order_value"
            yield f"sum(net_order_revenue) {within} AS {self.name}_net_order_revenue"

    def averages(self) -> Iterator[str]:
        """What follows from the totals."""
        revenue, orders = f"{self.name}_order_revenue::DOUBLE", f"{self.name}_order_frequency"
        if self.measures == 2:
            yield f"{revenue} / nullif({orders}, 0) AS {self.name}_average_order_value"
        elif self.measures > 2:
            # Everything was returned: here such tables have NaN, from nothing divided by nothing.
            yield f"""CASE WHEN {self.name}_net_order_revenue = 0 THEN 'NaN'::DOUBLE
                ELSE {revenue} / nullif({orders}, 0) END AS {self.name}_average_order_value"""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the window."""
        name, words = self.name, self.words
        columns: list[Column] = [
            (f"{name}_order_frequency", "BIGINT", f"Orders, {words}."),
            (f"{name}_order_revenue", "DECIMAL(18,2)", f"Revenue before returns and cancellations, {words}."),
        ]
        if self.measures > 1:
            columns += [
                (f"{name}_total_items", "BIGINT", f"Items bought, {words}."),
                (f"{name}_purchase_channels", "INTEGER", f"How many channels were used, {words}."),
                (f"{name}_average_order_value", "DOUBLE", f"Revenue an order, {words}."),
            ]
        if self.measures > 2:
            columns += [
                (f"{name}_purchase_brands", "INTEGER", f"How many brands were bought, {words}."),
                (f"{name}_largest_order_value", "DECIMAL(18,2)", f"Revenue of the largest order, {words}."),
                (f"{name}_net_order_revenue", "DECIMAL(18,2)", f"Revenue after returns, {words}."),
            ]
        return tuple(columns)


ROLLUPS = (
    Rollup("L30D", "in the last 30 days", "$day_end - INTERVAL 30 DAY", measures=2),
    Rollup("L3M", "in the last 3 months", "$day_end - INTERVAL 3 MONTH", measures=2),
    Rollup("L6M", "in the last 6 months", "$day_end - INTERVAL 6 MONTH", measures=1),
    Rollup("L12M", "in the last 12 months", "$day_end - INTERVAL 12 MONTH"),
    Rollup(
        "LY12M",
        "in the 12 months before the last 12",
        "$day_end - INTERVAL 24 MONTH",
        "$day_end - INTERVAL 12 MONTH",
        measures=1,
    ),
    Rollup("lifetime", "ever", None),
)
