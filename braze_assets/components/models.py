"""The YAML vocabulary of a sync; its defaults are those of the settings it is turned into."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

import dagster as dg
from pydantic import Field, field_validator, model_validator

from braze_assets.plan import GuardSettings

__all__ = ["AttributeModel", "GuardsModel", "PartitionsModel", "SourceModel", "TableModel"]


def share_or_null(value: float | None) -> float | None:
    """A share of 1, or null for none."""
    if value is not None and not 0 <= value <= 1:
        raise ValueError("give a share between 0 and 1, or null for no such guard")
    return value


def count_or_null(value: int | None) -> int | None:
    """A number, or null for none."""
    if value is not None and value < 0:
        raise ValueError("give 0 or more, or null for no such guard")
    return value


def day_text(value: object) -> object:
    """A day as text; YAML reads one without quotes as a date."""
    text = value.isoformat() if isinstance(value, date) else value
    if isinstance(text, str) and "{{" not in text:
        try:
            date.fromisoformat(text)
        except ValueError:
            raise ValueError("write it as YYYY-MM-DD") from None
    return text


class TableModel(dg.Model, dg.Resolvable):
    """Where the wanted table comes from: exactly one of the two."""

    sql: str | None = Field(default=None, description="A SQL file, beside this YAML file.")
    url: str | None = Field(
        default=None, description="A Parquet or CSV file: a path beside this YAML file, or s3://..."
    )

    @model_validator(mode="after")
    def _one(self) -> "TableModel":
        if (self.sql is None) == (self.url is None):
            raise ValueError(
                "give either `sql` (a SQL file) or `url` (a Parquet or CSV file); a template of a "
                "variable that is not set gives neither"
            )
        return self


class SourceModel(dg.Model, dg.Resolvable):
    """Where a table named in the SQL comes from: exactly one of the two."""

    asset: str | None = Field(default=None, description="An asset key, its parts joined by slashes.")
    url: str | None = Field(default=None, description="A Parquet or CSV file.")

    @model_validator(mode="after")
    def _one(self) -> "SourceModel":
        if (self.asset is None) == (self.url is None):
            raise ValueError("give either `asset` (an asset key) or `url` (a file)")
        return self


class AttributeModel(dg.Model, dg.Resolvable):
    """What is said of one attribute; everything may be left out."""

    null_policy: Literal["omit", "unset"] | None = Field(
        default=None, description="What a NULL means: nothing to send, or remove the attribute in Braze."
    )
    type: str | None = Field(default=None, description="Boolean, Date, Datetime, Decimal(p,s), Float, ...")
    description: str | None = None
    update: Literal["whole", "patch"] = Field(
        default="whole",
        description="How a changed array or object is sent: whole, or as a patch where that is safe.",
    )


class PartitionsModel(dg.Model, dg.Resolvable):
    """How often the table is made."""

    cadence: Literal["daily", "hourly", "none"] = "daily"
    start: str | None = Field(
        default=None, description="The first day, YYYY-MM-DD; BRAZE_ASSETS_START_DATE by default."
    )

    _day = field_validator("start", mode="before")(day_text)

    @property
    def first_day(self) -> date | None:
        """The first day as a date."""
        return date.fromisoformat(self.start) if self.start else None


class GuardsModel(dg.Model, dg.Resolvable):
    """When a plan must not be sent. Shares are of 1, such as 0.2."""

    max_share_changed: float | None = GuardSettings.max_share_changed
    max_share_removed: float | None = GuardSettings.max_share_removed
    max_identifier_errors: float = Field(default=GuardSettings.max_identifier_errors, ge=0, le=1)
    data_point_budget: int | None = GuardSettings.data_point_budget
    min_users: int = Field(
        default=GuardSettings.min_users, ge=0, description="Shares are not asked about with fewer users."
    )
    allow_shadow: Sequence[str] = Field(
        default=(), description="Attributes that may resemble a profile field."
    )
    allow_consent: Sequence[str] = Field(default=(), description="Consent fields that may be written.")
    allow_type_change: Sequence[str] = Field(default=(), description="Attributes that may change their type.")
    max_churn: float | None = Field(
        default=GuardSettings.max_churn,
        description="Share of the users that one attribute may change for with every plan, without warning.",
    )
    new_attributes: Literal["warn", "block", "allow"] | None = Field(
        default=None,
        description="What becomes of a plan with names that neither ledger nor catalog has; null: what the "
        "catalog says, or warn.",
    )

    def settings(self) -> GuardSettings:
        """As the plan takes them, without a catalog."""
        return GuardSettings(
            **{**self.model_dump(), "new_attributes": self.new_attributes or GuardSettings.new_attributes}
        )

    # Not as constraints of the fields: Dagster would ask them of null as well.
    _share = field_validator("max_share_changed", "max_share_removed", "max_churn")(share_or_null)
    _budget = field_validator("data_point_budget")(count_or_null)
