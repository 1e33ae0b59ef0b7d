"""Alerts as a Dagster sensor: it looks at the flows, and tells their changes of status."""

from braze_assets.assets.alerts.definition import AlertsDefinition, Watched
from braze_assets.assets.alerts.sensor import build_alerts

__all__ = ["AlertsDefinition", "Watched", "build_alerts"]
