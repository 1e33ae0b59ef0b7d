"""Definitions whose schedules and sensors do nothing, whether somebody had started them or not."""

from typing import Any

import dagster as dg

from braze_assets.assets.flow_facts import PAUSED

__all__ = ["paused"]

_EVERY_DAY = "0 0 * * *"


def paused(definitions: dg.Definitions, why: str) -> dg.Definitions:
    """The same definitions, of which nothing starts by itself.

    Dagster remembers which schedules were started. So they stay, under their names, and skip every tick with
    the reason; conditions of automatic materialization are taken off.

    Args:
        definitions: What a disabled destination is sent.
        why: The reason that every skipped tick shows.
    """
    parts: dict[str, Any] = {}
    if definitions.schedules:
        parts["schedules"] = [_schedule(each, why) for each in definitions.schedules]
    if definitions.sensors:
        parts["sensors"] = [_sensor(each, why) for each in definitions.sensors]
    if definitions.assets:
        parts["assets"] = [_asset(each, why) for each in definitions.assets]
    return dg.Definitions(
        **{
            "assets": definitions.assets,
            "schedules": definitions.schedules,
            "sensors": definitions.sensors,
            "jobs": definitions.jobs,
            "asset_checks": definitions.asset_checks,
            "resources": definitions.resources,
            **parts,
        }
    )


def _schedule(schedule: Any, why: str) -> dg.ScheduleDefinition:
    def skip(context: dg.ScheduleEvaluationContext) -> dg.SkipReason:
        return dg.SkipReason(why)

    return dg.ScheduleDefinition(
        name=schedule.name,
        job=schedule.job,
        cron_schedule=getattr(schedule, "cron_schedule", None) or _EVERY_DAY,
        execution_timezone=getattr(schedule, "execution_timezone", None) or "UTC",
        description=why,
        execution_fn=skip,
    )


def _sensor(sensor: Any, why: str) -> dg.SensorDefinition:
    def skip(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        return dg.SkipReason(why)

    return dg.SensorDefinition(
        name=sensor.name,
        evaluation_fn=skip,
        jobs=sensor.jobs if sensor.has_jobs else None,
        minimum_interval_seconds=sensor.minimum_interval_seconds,
        description=why,
    )


def _asset(asset: Any, why: str) -> Any:
    def unconditional(spec: dg.AssetSpec) -> dg.AssetSpec:
        metadata = {**spec.metadata, PAUSED: why}
        return spec.replace_attributes(automation_condition=None, metadata=metadata)

    if isinstance(asset, dg.AssetsDefinition):
        return asset.map_asset_specs(unconditional)
    return unconditional(asset) if isinstance(asset, dg.AssetSpec) else asset
