"""The YAML vocabulary of a schedule: a word, a cron line, or both settings of a cron line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import dagster as dg
from pydantic import BaseModel, Field, field_validator, model_validator

from braze_assets.assets.timing import AFTER_NEW_DATA, MANUAL, Timing, cron_problem, spelled, zone_problem
from braze_assets.components.yaml_errors import line_of
from braze_assets.errors import ConfigurationError

__all__ = ["SCHEDULE", "Schedule", "ScheduleModel", "placed", "schedule_text", "timing_of"]

SCHEDULE = (
    "`manual`, a cron line, `after new data`, or `after each partition`, which fills what has just closed; "
    "or when, timezone and only_if_changed."
)


class ScheduleModel(dg.Model, dg.Resolvable):
    """When a flow runs, with a time zone or only if something changed."""

    when: str = Field(
        default=MANUAL, description="`manual`, a cron line, `after new data`, or `after each partition`."
    )
    timezone: str = Field(default="UTC", description="The IANA zone of the cron line, such as Europe/Berlin.")
    only_if_changed: bool = Field(
        default=False, description="Skip a tick when nothing that is read changed since the last send."
    )

    @field_validator("when")
    @classmethod
    def _fires(cls, text: str) -> str:
        return _checked(text)

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        if "{{" not in name and (problem := zone_problem(name)):
            raise ValueError(problem)
        return name

    @model_validator(mode="after")
    def _fits(self) -> "ScheduleModel":
        when = spelled(self.when)
        if "timezone" in self.model_fields_set and "{{" not in when and not Timing(when).cron:
            raise ValueError(f"`timezone` is that of a cron line, and {when!r} is none; leave it out")
        # A template is not a boolean yet.
        if self.only_if_changed is True and when in (MANUAL, AFTER_NEW_DATA):
            raise ValueError(f"`only_if_changed` skips ticks, and {when!r} has none; leave it out")
        return self

    def timing(self) -> Timing:
        """The schedule in Python."""
        return Timing(spelled(self.when), self.timezone, self.only_if_changed)


def _resolved(context: dg.ResolutionContext, said: Any) -> Any:
    if isinstance(said, BaseModel):
        return ScheduleModel.resolve_from_model(context, said)
    return context.resolve_value(said)


Schedule = Annotated[
    str | ScheduleModel | None,
    # Dagster by itself reads a union with a model, but not one with null too.
    dg.Resolver(_resolved, model_field_type=str | ScheduleModel.model() | None),
]
"""The type of the setting `schedule`."""


def schedule_text(schedule: Any) -> Any:
    """A validator of the short form: what is wrong with a text; anything else as it is.

    Raises:
        ValueError: It is neither a word nor a cron line, or never fires.
    """
    return _checked(schedule) if isinstance(schedule, str) else schedule


def timing_of(schedule: str | ScheduleModel | None) -> Timing:
    """The setting `schedule`, in whatever form, in Python."""
    if isinstance(schedule, ScheduleModel):
        return schedule.timing()
    return Timing(spelled(schedule)) if schedule else Timing()


def _checked(text: str) -> str:
    if "{{" not in text and (problem := cron_problem(text)):
        raise ValueError(problem)
    return text


@contextmanager
def placed(file: Path) -> Iterator[None]:
    """What cannot be of a schedule is told with file and line."""
    try:
        yield
    except ConfigurationError as error:
        if (error.place or "").startswith("schedule of "):
            error.place = line_of(file, "schedule")
        raise
