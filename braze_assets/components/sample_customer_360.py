"""The component `braze_assets.SampleCustomer360`: made-up tables, until a brand brings its own."""

from collections.abc import Sequence

import dagster as dg
from pydantic import Field

from braze_assets.assets.customer_360 import build_customer_360
from braze_assets.components.scaffolding import FromTemplate
from braze_assets.customer_360 import TABLES

__all__ = ["SampleCustomer360"]


@dg.scaffold_with(FromTemplate)
class SampleCustomer360(dg.Component, dg.Model, dg.Resolvable):
    """The synthetic Customer 360: a snapshot of each table for every day.

    Take a table out of the list where an asset of your own has its key; the job keeps making the whole group.
    """

    tables: Sequence[str] = Field(default=tuple(TABLES), description="Tables of the sample, by name.")

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The tables' assets, a job and a schedule."""
        return build_customer_360(tuple(self.tables))
