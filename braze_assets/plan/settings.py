"""The settings of a sync's plans."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from braze_assets.braze.limits import Limits
from braze_assets.rows import Thresholds

__all__ = ["AudienceMark", "GuardSettings", "PlanSettings"]


@dataclass(frozen=True)
class AudienceMark:
    """How the rows tell members of an audience: an attribute that is true, or an array with this item."""

    attribute: str
    item: str | None = None


@dataclass(frozen=True, kw_only=True)
class GuardSettings:
    """When a plan must not be sent. Shares are of 1; None switches a guard off."""

    max_share_changed: float | None = 0.5
    """Of the users already in the ledger, those that would get an object. A first sync has none."""
    max_share_removed: float | None = 0.2
    """Of the users in the ledger, those that newly vanished from the table."""
    max_identifier_errors: float = 0.01
    """Of the rows, those with a null, duplicate or too long identifier."""
    data_point_budget: int | None = None
    """Data points one plan may cost."""
    min_users: int = 100
    """The guards of shares are not asked while the ledger (for identifiers: the table) has fewer users."""
    allow_shadow: Collection[str] = ()
    """Custom attributes that may look like a profile field."""
    allow_consent: Collection[str] = ()
    """Consent fields that may be written."""
    allow_type_change: Collection[str] = ()
    """Attributes whose kind of type may change; they are sent again for every user."""
    max_churn: float | None = 0.5
    """Of the users, those that one attribute may change for with every plan without a warning."""
    new_attributes: Literal["warn", "block", "allow"] = "warn"
    """What becomes of a plan with attributes that are neither in the ledger nor in `known_attributes`."""
    known_attributes: Collection[str] = ()
    """Names somebody agreed on: those of the attribute catalog."""
    allow_personal: bool = True
    """Whether personal data may be sent."""
    personal_attributes: Collection[str] = ()
    """Custom attributes that are personal data, though their names do not say so."""
    impersonal_attributes: Collection[str] = ()
    """Attributes that are not personal data, though their names look like it."""
    thresholds: Thresholds = field(default_factory=Thresholds)
    """What the query promises of its rows."""
    audiences: Mapping[str, AudienceMark] = field(default_factory=dict)
    """Audiences by name that must not lose all members at once. The table may be empty then: each audience
    is asked by itself."""
    retired: Collection[str] = ()
    """Attributes of audiences that are to lose all members: no guard of shares counts that."""
    period: tuple[date, date | None] | None = None
    """First and last day something may be sent for; the day is that of the partition."""
    taken: Mapping[str, str] = field(default_factory=dict)
    """Attributes that other syncs of the destination write: those syncs' names by attribute."""
    one_off: bool = False
    """Whether everything is sent for one partition, and then nothing ever again."""


@dataclass(frozen=True, kw_only=True)
class PlanSettings:
    """What a plan does with what is found."""

    guards: GuardSettings = field(default_factory=GuardSettings)
    update_existing_only: bool = True
    """Whether users that Braze does not know are left alone rather than created."""
    removed_rows: Literal["keep", "unset"] = "keep"
    """What becomes of a user that vanished from the table: nothing, or every attribute held is unset."""
    removed_rows_unset: Collection[str] | None = None
    """The attributes that are unset of a user that vanished, where `removed_rows` says so; None: all."""
    removed_attributes: Literal["keep", "unset"] = "keep"
    """What becomes of an attribute that vanished from the table: nothing, or it is unset for every user."""
    limits: Limits = field(default_factory=Limits)
