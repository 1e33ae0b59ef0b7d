"""The vocabulary a project is written in: Dagster components, in YAML or in Python."""

from braze_assets.components.alerts import Alerts
from braze_assets.components.attribute_catalog import AttributeCatalog
from braze_assets.components.attribute_sync import AttributeSync
from braze_assets.components.audiences import Audiences
from braze_assets.components.campaign import Campaign
from braze_assets.components.csv_drop import CsvDrop
from braze_assets.components.currents_feed import CurrentsFeed
from braze_assets.components.data_template import DataTemplate
from braze_assets.components.destination import Destination
from braze_assets.components.event_sync import EventSync
from braze_assets.components.orchestrations import Orchestrations
from braze_assets.components.sample_customer_360 import SampleCustomer360
from braze_assets.components.segments import Segments

__all__ = [
    "Alerts",
    "AttributeCatalog",
    "AttributeSync",
    "Audiences",
    "Campaign",
    "CsvDrop",
    "CurrentsFeed",
    "DataTemplate",
    "Destination",
    "EventSync",
    "Orchestrations",
    "SampleCustomer360",
    "Segments",
]
