"""The component `braze_assets.CsvDrop`: a folder whose CSV files go to Braze, in YAML."""

from collections.abc import Sequence
from typing import Literal

import dagster as dg
from pydantic import Field

from braze_assets.assets.csv_drops import CsvDropDefinition, build_csv_drop
from braze_assets.assets.pausing import paused
from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.braze.limits import Limits
from braze_assets.components.models import GuardsModel
from braze_assets.components.precedence import Settled, settle
from braze_assets.components.scaffolding import FromTemplate
from braze_assets.components.yaml_errors import line_of
from braze_assets.csv_files.settings import Cast, CsvSettings
from braze_assets.errors import ConfigurationError
from braze_assets.plan import PlanSettings
from braze_assets.resources.deployments import DEFAULT_DESTINATION

__all__ = ["CsvDrop"]


class CsvDropGuardsModel(GuardsModel):
    """Guards of a drop: a file is no list of everybody, so shares of the ledger are not asked about."""

    max_share_changed: float | None = None
    max_share_removed: float | None = None
    max_identifier_errors: float = 1.0


@dg.scaffold_with(FromTemplate)
class CsvDrop(dg.Component, dg.Model, dg.Resolvable):
    """Imports the CSV files of a folder: one row a user, one column an attribute.

    Makes `<name>_files`, the plan `<name>_delta`, the send `<name>_sync` and `<name>_results`, all but the
    first with a partition for each content of each file; and a job and a sensor, stopped until it is started.
    """

    name: str = Field(
        pattern=r"^[A-Za-z0-9_]+$",
        description="Letters, digits and underscores; the assets are named after it.",
    )
    url: str | None = Field(
        default=None,
        description="The folder: s3://bucket/folder, or of this machine. Left out: that of the destination.",
    )
    identifier: IdentifierKind = Field(
        default="external_id",
        description="What users are known by: the name of the first column. For user_alias the first two are "
        "called user_alias_name and user_alias_label.",
    )
    destination: str = Field(
        default=DEFAULT_DESTINATION, description="A `Destination` or the resource key of a workspace."
    )
    mode: Literal["preview", "test", "live"] = Field(
        default="preview", description="preview sends nothing, test sends to `test_users`, live sends."
    )
    test_users: int = Field(default=10, ge=1)
    casts: dict[str, Cast] = Field(
        default={},
        description="By column: string, integer, float or boolean, whatever its cells look like.",
    )
    encoding: str = Field(default="utf-8", description="What the files are written in.")
    delimiter: str = Field(default=",", description="One character.")
    delta: bool = Field(default=False, description="Leave out cells that Braze has acknowledged already.")
    update_existing_only: bool = Field(default=True, description="Never create users in Braze.")
    time_budget_minutes: float = Field(
        default=0, ge=0, description="After so long a send stops and another run goes on; 0: never."
    )
    when_done: Literal["keep", "move", "tag"] = Field(
        default="keep",
        description="keep: the file stays; move: to done/ or failed/; tag: S3 gets the tag braze_assets.",
    )
    look_seconds: int = Field(default=20, ge=5, le=60, description="Seconds between two looks of the sensor.")
    forget_after_days: int = Field(
        default=90,
        ge=1,
        description="Days after which a file that is no longer in the folder loses its partition in Dagster. "
        "Its tables stay, and its content is not imported again.",
    )
    guards: CsvDropGuardsModel = CsvDropGuardsModel()
    description: str | None = None
    owners: Sequence[str] = ()
    group: str = "csv_drops"

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The drop's assets, job and sensor."""
        [settled] = settle(context, self)
        try:
            made = build_csv_drop(settled.sync.definition(settled))
        except ConfigurationError as error:
            file = context.path / "defs.yaml"
            if file.exists() and error.place in type(self).model_fields:
                error.place = line_of(file, f"{error.place}")
            raise
        return made if settled.enabled else paused(made, settled.why_not)

    def definition(self, settled: "Settled[CsvDrop] | None" = None) -> CsvDropDefinition:
        """The drop in Python.

        Args:
            settled: Where its settings come from.

        Raises:
            ConfigurationError: Encoding, delimiter or folder cannot be.
        """
        url = self.url or (settled.destination.drop_url if settled and settled.destination else "")
        if not url:
            raise ConfigurationError(
                f"The drop {self.name} has no folder.",
                place="name",
                remedy="Set `url`, or s3_bucket and s3_folder of its destination.",
            )
        if self.when_done == "tag" and not url.startswith("s3://"):
            raise ConfigurationError(
                "Files of a folder have no tags.",
                place="when_done",
                remedy="Use move or keep, or a folder on S3.",
            )
        return CsvDropDefinition(
            drop=self.name,
            url=url,
            csv=CsvSettings(
                identifier=self.identifier,
                casts=self.casts,
                encoding=self.encoding,
                delimiter=self.delimiter,
            ),
            plan=PlanSettings(
                limits=settled.limits if settled else Limits(),
                guards=self.guards.settings(),
                update_existing_only=self.update_existing_only,
            ),
            destination=self.destination,
            mode=self.mode,
            test_users=self.test_users,
            delta=self.delta,
            time_budget_minutes=self.time_budget_minutes,
            when_done=self.when_done,
            look_seconds=self.look_seconds,
            forget_after_days=self.forget_after_days,
            description=self.description,
            owners=self.owners,
            group=self.group,
        )
