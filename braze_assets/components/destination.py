"""The component `braze_assets.Destination`: a Braze workspace, in YAML."""

import re
from collections.abc import Sequence
from typing import Any

import dagster as dg
from pydantic import BaseModel, ConfigDict, Field, field_validator

from braze_assets.assets.destinations import build_destination
from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.braze.instances import resolve_instance
from braze_assets.braze.limits import Limits
from braze_assets.components.references import declared
from braze_assets.components.scaffolding import FromTemplate
from braze_assets.components.sync_settings import SyncSettings
from braze_assets.components.yaml_errors import line_of
from braze_assets.errors import ConfigurationError
from braze_assets.resources.braze import BrazeResource, Mode
from braze_assets.resources.deployments import DEFAULT_DESTINATION, DEPLOYMENTS, deployment_name

__all__ = ["Destination", "LimitsModel", "deployment_resources"]

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class LimitsModel(dg.Model, dg.Resolvable):
    """What the workspace's contract allows, and how a send behaves; the deployment's where left out."""

    objects_per_request: int = Field(default=Limits.objects_per_request, ge=1)
    bytes_per_request: int = Field(default=Limits.bytes_per_request, ge=1_000)
    requests_per_window: int = Field(default=Limits.requests_per_window, ge=1)
    window_seconds: float = Field(default=Limits.window_seconds, gt=0)
    requests_per_hour: int = Field(default=0, ge=0)
    export_requests_per_minute: int = Field(default=Limits.export_requests_per_minute, ge=1)
    array_items: int = Field(default=Limits.array_items, ge=1)
    array_bytes: int = Field(default=Limits.array_bytes, ge=1)
    settling_seconds: float = Field(default=10, ge=0)
    max_attempts: int = Field(default=8, ge=1)


@dg.scaffold_with(FromTemplate)
class Destination(dg.Component, dg.Model, dg.Resolvable):
    """A Braze workspace that syncs can name as their `destination`.

    Makes the resource `<name>`, and the asset `destinations/<name>` with the check `connection`.
    """

    # The key may stand in the file by mistake: pydantic would repeat it, and whoever shows its errors.
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: str = Field(
        pattern=r"^[A-Za-z][A-Za-z0-9_]*$",
        description="Letters, digits and underscores: the key of the resource. Part of the names of assets "
        "and ledgers where one sync has several destinations.",
    )
    description: str | None = None
    owners: Sequence[str] = ()
    enabled: bool = Field(
        default=True, description="False: schedules and sensors skip their ticks, and sends refuse."
    )
    instance: str | None = Field(
        default=None,
        description="An id (US-03) or a dashboard, REST or SDK URL; BRAZE_INSTANCE when left out.",
    )
    api_key_variable: str = Field(
        default="BRAZE_API_KEY", description="The environment variable that holds the REST API key."
    )
    api_key: Any = Field(default=None, description="Refused: the key does not belong into a file.")
    identifier: IdentifierKind | None = Field(
        default=None, description="What this workspace knows users by; syncs may say otherwise."
    )
    segment_name: str | None = Field(
        default=None, description="A segment that must exist in Braze; the check looks for it."
    )
    s3_bucket: str | None = Field(default=None, description="The bucket CSV files are dropped in.")
    s3_folder: str | None = Field(default=None, description="The folder in it.")
    most: Mode = Field(default="live", description="No sync goes further there: preview, test or live.")
    limits: LimitsModel = LimitsModel()
    defaults: SyncSettings = Field(
        default=SyncSettings(), description="Settings of the syncs that go there, unless they say otherwise."
    )

    @field_validator("api_key_variable")
    @classmethod
    def _names_a_variable(cls, text: str) -> str:
        # It may be the key itself, in the wrong place: it is not repeated. A template is resolved later.
        if "{{" not in text and not _VARIABLE.fullmatch(text):
            raise ValueError(
                "it is not the name of an environment variable (what it is set to is not shown: if it is the "
                "key itself, take it out of the file and make a new one)"
            )
        return text

    @field_validator("api_key")
    @classmethod
    def _is_not_here(cls, value: object) -> None:
        if value is not None:
            raise ValueError(
                "a key does not belong into a file (it is not shown here). Make a new one, put it into an "
                "environment variable, and name that under api_key_variable"
            )

    @field_validator("instance")
    @classmethod
    def _is_known(cls, text: str | None) -> str | None:
        if text and "{{" not in text:
            try:
                resolve_instance(text)
            except ConfigurationError as error:
                raise ValueError(f"{error.cause} {error.remedy}") from None
        return text

    @field_validator("s3_bucket")
    @classmethod
    def _is_a_bucket(cls, text: str | None) -> str | None:
        if text and "{{" not in text and not _BUCKET.fullmatch(text):
            raise ValueError("give the bucket's name alone, such as acme-braze, without s3:// and folder")
        return text

    @classmethod
    def model(cls) -> type[BaseModel]:
        """The model that Dagster reads the YAML with."""
        made = super().model()
        if not made.model_config.get("hide_input_in_errors"):
            made.model_config["hide_input_in_errors"] = True
            made.model_rebuild(force=True)
        return made

    @property
    def drop_url(self) -> str:
        """The drop location as a URL; empty where there is none."""
        folder = (self.s3_folder or "").strip("/")
        return f"s3://{self.s3_bucket}/{folder}".rstrip("/") if self.s3_bucket else ""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The resource, the asset and its check.

        Raises:
            ConfigurationError: The name is taken, or the folder has no bucket.
        """
        file = context.path / "defs.yaml"
        declared(context, Destination)
        if self.name in (*deployment_resources(), "io_manager"):
            raise ConfigurationError(
                f"The name {self.name!r} is taken: every deployment has a resource of that name.",
                place=line_of(file, self.name),
                remedy="Give the destination another name, and name it in the syncs that go there."
                if self.name == DEFAULT_DESTINATION
                else "Give the destination another name.",
            )
        if self.s3_folder and not self.s3_bucket:
            raise ConfigurationError(
                "The setting 's3_folder' has no bucket.",
                place=line_of(file, "s3_folder"),
                remedy="Set s3_bucket too, or leave both out.",
            )
        return self.definitions()

    def definitions(self) -> dg.Definitions:
        """The same in Python, without a project around it."""
        shown = {
            "identifier": self.identifier,
            "segment_name": self.segment_name,
            "drop_location": self.drop_url,
        }
        return build_destination(
            self.name,
            self.resource(),
            description=self.description or "",
            owners=self.owners,
            facts={name: text for name, text in shown.items() if text},
        )

    def resource(self) -> BrazeResource:
        """The workspace, no further than the deployment lets its own go."""
        base: Any = deployment_resources()[DEFAULT_DESTINATION]
        limits = {name: getattr(self.limits, name) for name in self.limits.model_fields_set}
        return BrazeResource(
            **{
                **{name: getattr(base, name) for name in LimitsModel.model_fields},
                **limits,
                "destination": self.name,
                "enabled": self.enabled,
                "instance": self.instance or "",
                "api_key_variable": self.api_key_variable,
                "most": base.allowed_mode(self.most),
                "segment_name": self.segment_name or "",
                "drop_url": self.drop_url,
            }
        )


def deployment_resources() -> dict[str, Any]:
    """The resources that this deployment has without any component."""
    return dict(DEPLOYMENTS[deployment_name()]())
