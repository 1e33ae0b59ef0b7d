"""SQL of email engagement attributes: the engagement summary for each customer of a Customer 360.

As in Amperity's Email_Engagement_Attributes, the rows are those of the customers, by Amperity ID: who never
had an email has a row too, so that "has not opened anything" is a question of a value, not of a join.
"""

from collections.abc import Collection

from braze_assets.currents.email_events import SqlColumn
from braze_assets.currents.engagement import ENGAGEMENT_COLUMNS
from braze_assets.errors import CurrentsError

__all__ = ["ATTRIBUTES_COLUMNS", "CUSTOMER_COLUMNS", "attributes_sql", "require_customer_columns"]

CUSTOMER_COLUMNS = ("amperity_id", "external_id")
"""What the customers' table must have."""

_NONE = "'Non-recipient'"

ATTRIBUTES_COLUMNS = (
    SqlColumn("amperity_id", "VARCHAR", "The customer."),
    *ENGAGEMENT_COLUMNS,
)


def attributes_sql(customers: str, summary: str) -> str:
    """The SQL of email engagement attributes: one row for each row of `customers`.

    Customers that share an external id share its engagement. Counts are 0 where there was none.

    Args:
        customers: The SQL expression of a table with `amperity_id` and `external_id`.
        summary: The SQL expression of the engagement summary of the same time.
    """
    lines = [f"{_expression(column)} AS {column.name}" for column in ENGAGEMENT_COLUMNS]
    return (
        "SELECT\n    CAST(customers.amperity_id AS VARCHAR) AS amperity_id,\n    "
        + ",\n    ".join(lines)
        + f"\nFROM {customers} AS customers\n"
        + f"LEFT JOIN {summary} AS summary\n"
        + "    ON summary.external_user_id = CAST(customers.external_id AS VARCHAR)"
    )


def _expression(column: SqlColumn) -> str:
    if column.name == "external_user_id":
        return "CAST(customers.external_id AS VARCHAR)"
    if column.type == "BIGINT":
        return f"coalesce(summary.{column.name}, 0)"
    if column.name.startswith("engagement_"):
        return f"coalesce(summary.{column.name}, {_NONE})"
    return f"summary.{column.name}"


def require_customer_columns(columns: Collection[str], place: str) -> None:
    """See that a table can give the customers.

    Raises:
        CurrentsError: It lacks a column.
    """
    have = {each.lower() for each in columns}
    missing = [each for each in CUSTOMER_COLUMNS if each not in have]
    if missing:
        raise CurrentsError(
            f"The table of customers has no column {' and no column '.join(missing)}.",
            place=place,
            remedy=f"Name a table with {' and '.join(CUSTOMER_COLUMNS)} in the feed's `customers`, or leave "
            "`customers` out: then there is no email_engagement_attributes.",
        )
