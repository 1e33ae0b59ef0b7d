"""What starts a flow: the schedule of its job, or a sensor that waits for new data."""

from collections.abc import Collection, Sequence
from typing import Any

import dagster as dg

from braze_assets.assets.flow import ALWAYS, Flow, Timed
from braze_assets.assets.schedules import build_schedules, require_assets
from braze_assets.assets.timing import AFTER_NEW_DATA
from braze_assets.errors import ConfigurationError

__all__ = ["FOLLOWS", "started"]

FOLLOWS = (
    dg.AutomationCondition.in_latest_time_window()
    & dg.AutomationCondition.any_deps_match(dg.AutomationCondition.will_be_requested())
).with_label("with its table")
"""Of all assets but the table: they are made in the run that the table is made in by its own condition. What
a person makes by hand starts nothing: a look at the table sends nothing."""


def started(
    made: dg.Definitions, flow: Timed, job: Any, keys: Collection[dg.AssetKey], sends: Sequence[Flow] = ()
) -> dg.Definitions:
    """The definitions of a flow, with what starts it: stopped until somebody starts that.

    Args:
        made: The assets and jobs.
        flow: What is run.
        job: Its job.
        keys: The assets of the job.
        sends: The flow, once for each destination; none where nothing is sent.

    Raises:
        ConfigurationError: It cannot run then; see `build_schedules`.
    """
    if flow.timing.when != AFTER_NEW_DATA:
        schedules = build_schedules(flow, job, sends)
        return dg.Definitions.merge(made, dg.Definitions(schedules=schedules)) if schedules else made
    require_assets(flow, "run after new data")
    if flow.within != ALWAYS:
        raise ConfigurationError(
            f"{flow.name} cannot run after new data: it has a first or a last day, and data "
            "comes on others too.",
            place=f"schedule of {flow.name}",
            remedy='Give a cron line, such as "0 6 * * *": its ticks outside of these days are skipped.',
        )
    sensor = dg.AutomationConditionSensorDefinition(
        f"{flow.name}_sensor",
        target=dg.AssetSelection.assets(*keys),
        default_status=dg.DefaultSensorStatus.STOPPED,
        description=f"Runs {flow.name} when a table it reads was made, once all of them are there.",
    )
    return dg.Definitions(
        assets=[_conditioned(each, flow, keys) for each in made.assets or ()],
        jobs=made.jobs,
        asset_checks=made.asset_checks,
        sensors=[sensor],
    )


def _leads(flow: Timed) -> dg.AutomationCondition[Any]:
    """Of the table: what it reads was made, is all there, and none of it is being made."""
    eager = dg.AutomationCondition.eager()
    if flow.partitions:
        return eager
    # Without partitions the newest partition is read of every table that has any: older ones may be missing.
    newest_missing = dg.AutomationCondition.missing() & dg.AutomationCondition.in_latest_time_window()
    return eager.without(~dg.AutomationCondition.any_deps_missing()) & ~dg.AutomationCondition.any_deps_match(
        newest_missing
    )


def _conditioned(asset: Any, flow: Timed, keys: Collection[dg.AssetKey]) -> Any:
    def conditioned(spec: dg.AssetSpec) -> dg.AssetSpec:
        if spec.key not in keys:
            return spec
        condition = _leads(flow) if spec.key in flow.leads else FOLLOWS
        return spec.replace_attributes(automation_condition=condition)

    return asset.map_asset_specs(conditioned) if isinstance(asset, dg.AssetsDefinition) else asset
