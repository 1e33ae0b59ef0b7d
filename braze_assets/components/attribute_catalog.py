"""The component `braze_assets.AttributeCatalog`: what the attributes are, in one place, in YAML."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import dagster as dg
from pydantic import Field

from braze_assets.braze.fields import PROFILE_FIELDS
from braze_assets.components.destination import Destination, deployment_resources
from braze_assets.components.references import declared, named
from braze_assets.components.scaffolding import FromTemplate
from braze_assets.components.yaml_errors import line_of
from braze_assets.errors import BrazeAssetsError, ConfigurationError
from braze_assets.rows.buckets import Bucket
from braze_assets.rows.spec import AttributeSettings

__all__ = ["AttributeCatalog", "BucketModel", "CatalogAttributeModel"]


class BucketModel(dg.Model, dg.Resolvable):
    """How a number that changes all the time becomes one that rarely does: exactly one of three ways."""

    below: dict[str, float] = Field(default={}, description="Label to the limit that the number is below.")
    otherwise: str | None = Field(default=None, description="The label at and over the highest limit.")
    at_least: float | None = Field(default=None, description="True from this number on, else false.")
    round_to: float | None = Field(default=None, description="Rounded down to a multiple of this.")


class CatalogAttributeModel(dg.Model, dg.Resolvable):
    """One attribute; everything may be left out."""

    name: str | None = Field(default=None, description="Its name in Braze, where the column has another.")
    kind: Literal["profile", "custom"] | None = Field(
        default=None, description="profile: one of Braze's own fields. Checked, when given."
    )
    type: str | None = Field(default=None, description="Boolean, Date, Datetime, Decimal(p,s), Float, ...")
    null_policy: Literal["omit", "unset"] | None = Field(
        default=None, description="What a NULL means; the sync's own when left out."
    )
    description: str | None = None
    owners: Sequence[str] = Field(default=(), description="Who answers for it.")
    pii: bool | None = Field(
        default=None, description="Whether it is personal data; told by its name when left out."
    )
    bucket: BucketModel | None = None


@dg.scaffold_with(FromTemplate)
class AttributeCatalog(dg.Component, dg.Model, dg.Resolvable):
    """What each attribute is called in Braze, its type and meaning: for all syncs of the project.

    Makes no assets. A sync's own `attributes` count more, setting by setting.
    """

    name: str = Field(default="catalog", pattern=r"^[A-Za-z][A-Za-z0-9_]*$")
    description: str | None = None
    destinations: Sequence[str] = Field(
        default=(), description="The destinations it is for; all of them when left out."
    )
    attributes: dict[str, CatalogAttributeModel] = Field(description="By column.")
    case: Literal["lower", "as_written"] = Field(
        default="lower",
        description="What becomes of names without quotes in the SQL: lower case, or as they are written.",
    )
    new_attributes: Literal["warn", "block", "allow"] = Field(
        default="block", description="What becomes of a plan with names that are not in here."
    )

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Nothing; it is looked up by the syncs.

        Raises:
            ConfigurationError: A destination is unknown, or an attribute cannot be what it is said to be.
        """
        declared(context, AttributeCatalog)
        known = deployment_resources()
        for destination in self.destinations:
            if destination not in known:
                named(context, Destination, destination, setting="destination", also=["braze"])
        self.settings(context.path)
        return dg.Definitions()

    def settings(self, folder: Path) -> dict[str, AttributeSettings]:
        """What is said of each attribute, by its name in Braze.

        Args:
            folder: Where the YAML file is, for messages.

        Raises:
            ConfigurationError: Something cannot be; says where.
        """
        file = folder / "defs.yaml"
        made: dict[str, AttributeSettings] = {}
        for column, each in self.attributes.items():
            attribute = each.name or column
            place = line_of(file, column) if file.exists() else f"attribute {column}"
            _check_kind(attribute, each, place)
            if attribute in made:
                raise ConfigurationError(
                    f"Two columns of the catalog become the attribute {attribute}.",
                    place=place,
                    remedy="Give one of them another name.",
                )
            owned = f"Owned by {', '.join(each.owners)}" if each.owners else ""
            try:
                made[attribute] = AttributeSettings(
                    null_policy=each.null_policy,
                    type=each.type,
                    description=". ".join(filter(None, ((each.description or "").rstrip("."), owned))),
                    bucket=Bucket(**each.bucket.model_dump()) if each.bucket else None,
                )
            except BrazeAssetsError as error:
                cause = f"{error.cause} (attribute {attribute})"
                raise ConfigurationError(cause, place=place, remedy=error.remedy) from None
        return made


def _check_kind(attribute: str, model: CatalogAttributeModel, place: str) -> None:
    is_field = attribute in PROFILE_FIELDS
    if model.kind == "profile" and not is_field:
        near = difflib.get_close_matches(attribute, PROFILE_FIELDS, n=1)
        raise ConfigurationError(
            f"{attribute} is no profile field of Braze.",
            place=place,
            remedy=(f"Did you mean {near[0]}? " if near else "") + "Names are exact. Else set kind: custom.",
        )
    if model.kind == "custom" and is_field:
        raise ConfigurationError(
            f"{attribute} is a profile field of Braze; no custom attribute can have that name.",
            place=place,
            remedy="Set kind: profile, or give it another `name`.",
        )
    if is_field and (model.type or model.bucket):
        raise ConfigurationError(
            f"The profile field {attribute} has the type Braze gives it: no `type` and no `bucket`.",
            place=place,
            remedy="Take it out.",
        )
