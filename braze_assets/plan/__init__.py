"""The plan: what would be sent now, whether it may be, and what it costs; seen before anything is sent."""

from braze_assets.plan.base_header import BaseHeader
from braze_assets.plan.foresee import foresee_plans
from braze_assets.plan.guards import GUARDS
from braze_assets.plan.header import (
    AttributeCount,
    Counts,
    PlanHeader,
    PlanStatus,
    read_plan_header,
)
from braze_assets.plan.judging import Guard, Verdict
from braze_assets.plan.make import make_plan
from braze_assets.plan.plan import Plan, empty_plan
from braze_assets.plan.preview import preview
from braze_assets.plan.settings import GuardSettings, PlanSettings

__all__ = [
    "GUARDS",
    "AttributeCount",
    "BaseHeader",
    "Counts",
    "Guard",
    "GuardSettings",
    "Plan",
    "PlanHeader",
    "PlanSettings",
    "PlanStatus",
    "Verdict",
    "empty_plan",
    "foresee_plans",
    "make_plan",
    "preview",
    "read_plan_header",
]
