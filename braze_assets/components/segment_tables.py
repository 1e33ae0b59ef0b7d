"""What is known of a project's tables before any of them is made."""

from collections.abc import Mapping

import dagster as dg

from braze_assets.components.currents_feed import CurrentsFeed
from braze_assets.components.sample_customer_360 import SampleCustomer360
from braze_assets.currents.engagement_attributes import ATTRIBUTES_COLUMNS
from braze_assets.customer_360 import TABLES

__all__ = ["USUAL", "known_tables"]

USUAL = {
    **{name: table.column_names for name, table in TABLES.items()},
    "email_engagement_attributes": tuple(each.name for each in ATTRIBUTES_COLUMNS),
}
"""The columns that tables of a Customer 360 usually have, whoever makes them."""


def known_tables(context: dg.ComponentLoadContext) -> dict[str, Mapping[str, str] | None]:
    """The tables that components of this project make, with their columns and types.

    A brand's own tables are not among them: what they have is known when they are read.
    """
    tables = {
        name
        for each in context.component_tree.get_all_components(SampleCustomer360)
        for name in each.tables
        if name in TABLES
    }
    known: dict[str, Mapping[str, str] | None] = {
        name: {column: kind for column, kind, _ in table.columns}
        for name, table in TABLES.items()
        if name in tables
    }
    feeds = context.component_tree.get_all_components(CurrentsFeed)
    if any(each.customers and not each.name for each in feeds):
        known["email_engagement_attributes"] = {each.name: each.type for each in ATTRIBUTES_COLUMNS}
    return known
