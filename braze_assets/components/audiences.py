"""The component `braze_assets.Audiences`: who is in which segment, as attributes in Braze."""

from collections.abc import Sequence

import dagster as dg
from pydantic import Field

from braze_assets.assets.campaigns import build_audiences
from braze_assets.assets.pausing import paused
from braze_assets.assets.syncs import SyncDefinition
from braze_assets.campaigns import Audience
from braze_assets.components.cataloged import known_attributes
from braze_assets.components.members import MembersSettings, members_sync, require_members, segment_table
from braze_assets.components.overlap import alone
from braze_assets.components.precedence import Settled, require_one_table, settle
from braze_assets.components.scaffolding import FromTemplate
from braze_assets.components.schedule_model import placed
from braze_assets.components.writers import writers
from braze_assets.components.yaml_errors import line_of
from braze_assets.errors import ConfigurationError

__all__ = ["AudienceModel", "Audiences"]


class AudienceModel(dg.Model, dg.Resolvable):
    """One audience: its members are those of a segment."""

    segment: str
    name: str | None = Field(default=None, description="In Braze; the segment's name unless it is set.")
    exclude: Sequence[str] = Field(default=(), description="Segments whose members are left out.")
    retired: bool = Field(default=False, description="Removes all members in Braze.")


@dg.scaffold_with(FromTemplate)
class Audiences(dg.Component, MembersSettings, dg.Resolvable):
    """Keeps attributes in Braze in step with segments: who enters is set, who leaves is unset.

    Makes the assets of a sync.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9_]+$", description="The assets are named after it.")
    audiences: Sequence[AudienceModel] = Field(min_length=1)
    attribute_name: str = Field(default="{audience}", description="Must have `{audience}` in it.")
    array: str | None = Field(
        default=None, description="One array attribute with the names, instead of booleans."
    )

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The assets of the audiences."""
        self._check(context)
        settled = settle(context, self)
        require_one_table(context, settled)
        definitions = [self.definition(context, each) for each in settled]
        with placed(context.path / "defs.yaml"):
            made = build_audiences(*definitions)
        return made if any(each.enabled for each in settled) else paused(made, settled[0].why_not)

    def definition(self, context: dg.ComponentLoadContext, settled: "Settled[Audiences]") -> SyncDefinition:
        """The audiences in Python, for one destination."""
        from dataclasses import replace

        live = [each for each in self.audiences if not each.retired]
        sync = members_sync(
            context,
            settled,
            known_attributes(context, [str(settled.sync.destination)]),
            name=self.name,
            audiences=[self._audience(each) for each in self.audiences],
            segments=dict.fromkeys(name for each in live for name in (each.segment, *each.exclude)),
            array=self.array,
        )
        return alone(context, self, replace(sync, kind="audiences", target=settled.target), writers(context))

    def _audience(self, model: AudienceModel) -> Audience:
        name = model.name or model.segment
        return Audience(
            name=name,
            attribute=self.attribute_name.replace("{audience}", name),
            include=[segment_table(model.segment)],
            exclude=[segment_table(each) for each in model.exclude],
            retired=model.retired,
        )

    def _check(self, context: dg.ComponentLoadContext) -> None:
        file = context.path / "defs.yaml"
        names = [(each.name or each.segment).casefold() for each in self.audiences]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice or "{audience}" not in self.attribute_name:
            raise ConfigurationError(
                f"Two audiences are called {twice!r}."
                if twice
                else "All audiences would write one attribute.",
                place=line_of(file, twice or "attribute_name"),
                remedy="Give each a `name` of its own."
                if twice
                else "Have `{audience}` in `attribute_name`.",
            )
        for each in self.audiences:
            # Who is retired may be gone as a segment.
            if not each.retired:
                require_members(context, [each.segment], each.exclude, "segment")
