"""The settings of a sync that may also be made on its destination or in a template."""

from collections.abc import Sequence
from typing import Literal

import dagster as dg
from pydantic import Field, field_validator

from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.components.models import GuardsModel, PartitionsModel
from braze_assets.components.schedule_model import SCHEDULE, Schedule, schedule_text

__all__ = ["SyncSettings"]


class SyncSettings(dg.Model, dg.Resolvable):
    """What a sync takes from its template, and that from the destination, where it says nothing itself.

    The defaults hold where none of the three says anything.
    """

    identifier: IdentifierKind = Field(
        default="external_id", description="What the rows are known by: the column of that name."
    )
    mode: Literal["preview", "test", "live"] = Field(
        default="preview", description="preview sends nothing, test sends to `test_users`, live sends."
    )
    test_users: int = Field(default=10, ge=1)
    replay: Literal["collapse", "each"] = Field(
        default="collapse",
        description="What a backfill of a range sends: its newest state only, or every partition in order.",
    )
    null_policy: Literal["omit", "unset"] = "omit"
    removed_rows: Literal["keep", "unset"] = Field(
        default="keep", description="What happens in Braze to a user whose row vanished from the table."
    )
    removed_attributes: Literal["keep", "unset"] = Field(
        default="keep", description="What happens in Braze to an attribute that vanished from the table."
    )
    update_existing_only: bool = Field(default=True, description="Never create users in Braze.")
    guards: GuardsModel = GuardsModel()
    partitions: PartitionsModel = PartitionsModel()
    schedule: Schedule = Field(default=None, description=SCHEDULE)
    audit_sample: int = Field(default=200, ge=0, description="Users read back after a send; 0 for none.")
    show_values: bool = Field(default=False, description="Show personal data in previews.")
    owners: Sequence[str] = ()
    group: str = "braze"

    _schedule = field_validator("schedule")(schedule_text)
