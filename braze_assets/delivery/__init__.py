"""Delivery: a plan's objects to Braze, each with one recorded outcome.

Names are imported when they are first used: loading definitions needs neither HTTP nor pyarrow's kernels.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from braze_assets.delivery.audit import AUDIT_SCHEMA, AuditReport, audit_sample
    from braze_assets.delivery.client import BrazeClient
    from braze_assets.delivery.clocks import Clocks
    from braze_assets.delivery.ends import Mode
    from braze_assets.delivery.events import send_events
    from braze_assets.delivery.limiter import RateLimiter
    from braze_assets.delivery.no_reply import NoReplyError
    from braze_assets.delivery.progress import Progress
    from braze_assets.delivery.report import ReasonCount, SendReport
    from braze_assets.delivery.send import send_plan
    from braze_assets.delivery.settings import DeliverySettings

__all__ = [
    "AUDIT_SCHEMA",
    "AuditReport",
    "BrazeClient",
    "Clocks",
    "DeliverySettings",
    "Mode",
    "NoReplyError",
    "Progress",
    "RateLimiter",
    "ReasonCount",
    "SendReport",
    "audit_sample",
    "send_events",
    "send_plan",
]

_HOMES = {
    "AUDIT_SCHEMA": "audit",
    "AuditReport": "audit",
    "BrazeClient": "client",
    "Clocks": "clocks",
    "DeliverySettings": "settings",
    "Mode": "ends",
    "NoReplyError": "no_reply",
    "Progress": "progress",
    "RateLimiter": "limiter",
    "ReasonCount": "report",
    "SendReport": "report",
    "audit_sample": "audit",
    "send_events": "events",
    "send_plan": "send",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
