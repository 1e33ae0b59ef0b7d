"""The vocabulary a project is written in: Dagster components, in YAML or in Python."""

from braze_assets.components.attribute_sync import AttributeSync
from braze_assets.components.currents_feed import CurrentsFeed
from braze_assets.components.event_sync import EventSync
from braze_assets.components.sample_customer_360 import SampleCustomer360

__all__ = ["AttributeSync", "CurrentsFeed", "EventSync", "SampleCustomer360"]
