"""The component `braze_assets.Campaign`: segments, treatments, a control group, and what Braze is told."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Literal

import dagster as dg
from pydantic import Field, field_validator

from braze_assets.assets.campaigns import CampaignDefinition, build_campaign
from braze_assets.assets.pausing import paused
from braze_assets.campaigns import Audience, Chosen, Split, slug
from braze_assets.components.cataloged import known_attributes
from braze_assets.components.members import (
    MembersSettings,
    chosen_columns,
    members_sync,
    require_members,
    segment_table,
)
from braze_assets.components.models import day_text
from braze_assets.components.overlap import alone
from braze_assets.components.precedence import Settled, settle
from braze_assets.components.references import declared
from braze_assets.components.scaffolding import FromTemplate
from braze_assets.components.schedule_model import placed, timing_of
from braze_assets.components.writers import writers
from braze_assets.components.yaml_errors import line_of, places_of
from braze_assets.errors import ConfigurationError

__all__ = ["Campaign"]

_TOLERANCE = Decimal("0.01")
"""Percent by which shares may miss 100: three thirds are written as 33.33."""


@dg.scaffold_with(FromTemplate)
class Campaign(dg.Component, MembersSettings, dg.Resolvable):
    """Tells Braze who is in a campaign, and in which treatment of it; control is never sent.

    Makes the assets of a sync named `campaign_<name>`, and `_recipients` and `_sample`; for several
    destinations, those of a sync each.
    """

    name: str = Field(min_length=1, description="For people; upper and lower case are the same.")
    include: Sequence[str] = Field(min_length=1, description="Segments; who is in one is a member.")
    exclude: Sequence[str] = Field(default=(), description="Segments; who is in one is no member.")
    treatments: dict[str, float] = Field(default={}, description="Shares by name, in percent.")
    control: float = Field(default=0, ge=0, lt=100, description="The share that gets nothing, in percent.")
    seed: str | None = Field(
        default=None, description="What the split is drawn from; the name unless it is set."
    )
    attribute_name: str | None = Field(
        default=None,
        description="`{campaign}` where there is one treatment, else `{campaign}_{treatment}`.",
    )
    array: str | None = Field(
        default=None, description="One array attribute with the names, instead of booleans."
    )
    attributes: dict[str, str] = Field(default={}, description="More attributes: name to table.column.")
    attributes_at: dict[str, dict[str, str]] = Field(
        default={}, description="More attributes by destination, for that one only."
    )
    on_leave: Literal["keep", "unset"] = Field(
        default="keep", description="What becomes of those attributes of who leaves."
    )
    launch: Literal["one-off", "recurring"] = Field(
        default="one-off", description="one-off is sent for one partition and never again."
    )
    start: str | None = Field(default=None, description="The first day, YYYY-MM-DD.")
    end: str | None = Field(default=None, description="The last day, YYYY-MM-DD.")
    sample: int = Field(default=100, ge=0, description="Members in the sample; 0 for none.")
    retired: bool = Field(default=False, description="Removes all members in Braze.")

    _days = field_validator("start", "end", mode="before")(day_text)

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The assets of the campaign."""
        self._check(context)
        settled = settle(context, self)
        made = []
        for each in settled:
            with placed(context.path / "defs.yaml"):
                definitions = build_campaign(self.definition(context, each))
            made.append(definitions if each.enabled else paused(definitions, each.why_not))
        return dg.Definitions.merge(*made)

    def definition(
        self, context: dg.ComponentLoadContext, settled: "Settled[Campaign]"
    ) -> CampaignDefinition:
        """The campaign in Python, for one destination."""
        this = settled.sync
        destination = str(this.destination)
        name = f"campaign_{slug(self.name)}" + (f"_{settled.target}" if settled.target else "")
        audiences = self._audiences()
        columns = {**self.attributes, **self.attributes_at.get(destination, {})}
        chosen: Mapping[str, Chosen] = chosen_columns(context, this, columns)
        sync = members_sync(
            context,
            settled,
            known_attributes(context, [destination]),
            name=name,
            audiences=list(audiences.values()),
            segments=[] if self.retired else dict.fromkeys([*self.include, *self.exclude]),
            array=self.array,
            chosen={} if self.retired else chosen,
            unset=chosen if self.on_leave == "unset" else (),
        )
        first, last = _day(self.start), _day(self.end)
        guards = sync.plan.guards
        if not self.retired:
            guards = replace(
                guards,
                one_off=self.launch == "one-off",
                period=(first or date.min, last) if first or last else None,
            )
        sync = replace(sync, kind="campaign", plan=replace(sync.plan, guards=guards), within=(first, last))
        return CampaignDefinition(
            name=self.name,
            sync=alone(context, self, sync, writers(context)),
            audiences={each.treatment or "": each for each in audiences.values()},
            array=self.array,
            segments=tuple(self.include),
            customers=dg.AssetKey.from_user_string(this.customers).path[-1].lower(),
            key=this.key,
            sample=self.sample,
        )

    def _audiences(self) -> dict[str, Audience]:
        own = slug(self.name)
        shares = self.treatments or {"": 100 - self.control}
        split = Split(seed=self.seed or own, treatments=dict(shares), control=self.control / 100)
        template = self.attribute_name or ("{campaign}_{treatment}" if len(shares) > 1 else "{campaign}")
        made = {}
        for treatment in shares:
            name = template.replace("{campaign}", own).replace("{treatment}", treatment)
            made[treatment] = Audience(
                name=name,
                attribute=name,
                include=[segment_table(each) for each in self.include],
                exclude=[segment_table(each) for each in self.exclude],
                split=split,
                treatment=treatment,
                retired=self.retired,
            )
        return made

    def _check(self, context: dg.ComponentLoadContext) -> None:
        """Refuse what cannot be."""
        file = context.path / "defs.yaml"
        declared(context, Campaign)  # Two of one name are refused there.
        own = slug(self.name)
        twins = [n for n in declared(context, Campaign) if n != self.name and slug(n) == own]
        if twins or not own:
            places = places_of(f"name: {self.name}", context.component_tree.defs_module_path)
            raise ConfigurationError(
                f"The names {self.name!r} and {twins[0]!r} differ in nothing but signs."
                if twins
                else f"The name {self.name!r} has neither letters nor digits.",
                place=", ".join(places) or str(file),
                remedy=f"Assets and ledger are named after it (campaign_{own}): choose another one.",
            )
        total = sum((Decimal(str(each)) for each in self.treatments.values()), Decimal(str(self.control)))
        wrong = [name for name, share in self.treatments.items() if share <= 0]
        if self.treatments and (abs(total - 100) > _TOLERANCE or wrong):
            raise ConfigurationError(
                f"The share of {wrong[0]!r} is not above 0."
                if wrong
                else f"The shares of the treatments and of control add up to "
                f"{total.normalize():f} %, not 100 %.",
                place=line_of(file, "treatments"),
                remedy="Give shares in percent that make 100 together, control included.",
            )
        strange = [n for n in self.treatments if not n or slug(n) != n]
        template = self.attribute_name or "{campaign}_{treatment}"
        if strange or (len(self.treatments) > 1 and "{treatment}" not in template):
            raise ConfigurationError(
                f"The name of the treatment {strange[0]!r} cannot be part of an attribute's."
                if strange
                else "All treatments would write one attribute.",
                place=line_of(file, strange[0] if strange else "attribute_name"),
                remedy="Use lower case letters, digits and underscores."
                if strange
                else "Have `{treatment}` in `attribute_name`.",
            )
        if self.start and self.end and self.end < self.start:
            raise ConfigurationError(
                f"The campaign ends on {self.end}, before it starts on {self.start}.",
                place=line_of(file, "end"),
                remedy="Correct `start` or `end`; both days count.",
            )
        if self.launch == "recurring" and all(
            timing_of(each.sync.schedule).manual for each in settle(context, self)
        ):
            raise ConfigurationError(
                "A recurring campaign has no schedule.",
                place=line_of(file, "recurring"),
                remedy='Set `schedule`, such as "0 6 * * *", `after new data` or `after each partition`.',
            )
        unknown = [each for each in self.attributes_at if each not in _listed(self, context)]
        if unknown:
            raise ConfigurationError(
                f"`attributes_at` names the destination {unknown[0]!r}, to which the campaign does not go.",
                place=line_of(file, unknown[0]),
                remedy=f"It goes to {', '.join(_listed(self, context))}.",
            )
        require_members(context, self.include, self.exclude)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _listed(campaign: Campaign, context: dg.ComponentLoadContext) -> list[str]:
    return [str(each.sync.destination) for each in settle(context, campaign)]
