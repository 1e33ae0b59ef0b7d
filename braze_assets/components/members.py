"""What campaigns and audiences have in common: members, by segments, and what Braze is told of them."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import dagster as dg
from pydantic import Field

from braze_assets.assets.flow import Source
from braze_assets.assets.syncs import SyncDefinition
from braze_assets.campaigns import Audience, Chosen, audience_table
from braze_assets.components.cataloged import Known
from braze_assets.components.models import SourceModel
from braze_assets.components.precedence import Settled
from braze_assets.components.schedule_model import timing_of
from braze_assets.components.segment_tables import USUAL, known_tables
from braze_assets.components.segments import named_segment
from braze_assets.components.sync_settings import SyncSettings
from braze_assets.components.tables import declared_source, partitions_of
from braze_assets.components.yaml_errors import line_of
from braze_assets.errors import ConfigurationError
from braze_assets.plan import PlanSettings
from braze_assets.plan.settings import AudienceMark
from braze_assets.resources.deployments import DEFAULT_DESTINATION
from braze_assets.rows import AttributeSettings, RowsSpec, TableQuery

__all__ = ["MembersSettings", "segment_table"]


def segment_table(name: str) -> str:
    """What the SQL calls the members of a segment."""
    return f"segment_{name.lower()}"


class MembersSettings(SyncSettings):
    """Where members come from and go to."""

    destination: str | list[str] = Field(
        default=DEFAULT_DESTINATION, description="A `Destination` or a resource key, or a list of them."
    )
    template: str | None = Field(default=None, description="The `DataTemplate` whose settings it takes.")
    key: str = Field(
        default="amperity_id", description="The column of segments and tables that is the customer."
    )
    customers: str = Field(
        default="customer_360/merged_customers",
        description="The asset of the customers: key and identifier, one row each.",
    )
    sources: dict[str, SourceModel] = Field(
        default={}, description="Tables of attributes that are not assets of `customer_360`."
    )
    owns: Sequence[str] = Field(
        default=(), description="Attributes that other syncs write too: they do not send them then."
    )
    description: str | None = None


def members_sync(
    context: dg.ComponentLoadContext,
    settled: Settled[Any],
    known: Known,
    *,
    name: str,
    audiences: Sequence[Audience],
    segments: Iterable[str],
    array: str | None = None,
    chosen: Mapping[str, Chosen] | None = None,
    unset: Iterable[str] = (),
) -> SyncDefinition:
    """The sync of members for one destination.

    Args:
        context: Of the component.
        settled: The component with the settings it has there.
        known: What catalogs say of its attributes.
        name: Of the table.
        audiences: What Braze is told of members.
        segments: The segments they are made of.
        array: The one attribute for all audiences.
        chosen: More attributes.
        unset: Of those, what who leaves does not keep.

    Raises:
        ConfigurationError: A name cannot be an attribute.
    """
    this: MembersSettings = settled.sync
    customers = dg.AssetKey.from_user_string(this.customers)
    table = customers.path[-1].lower()
    query = TableQuery(
        audience_table(
            audiences, array=array, chosen=chosen, customers=table, key=this.key, identifier=this.identifier
        ),
        place=f"the SQL of {name}",
    )
    query.check(this.identifier)
    sources = {segment_table(each): Source(asset=dg.AssetKey(["segments", each])) for each in segments}
    sources[table] = Source(asset=customers)
    for each in (chosen or {}).values():
        if each.table not in sources:
            sources[each.table] = declared_source(each.table, this.sources, context.path)
    own = [array] if array else [each.attribute for each in audiences]
    described = {
        each.attribute: AttributeSettings(null_policy="unset", description=f"In the audience {each.name}.")
        for each in audiences
    }
    if array:
        described = {
            array: AttributeSettings(null_policy="unset", description="The audiences the user is in.")
        }
    guards = known.guards(
        this.guards.settings(), policy=this.guards.new_attributes, personal=settled.personal
    )
    guards = replace(
        guards,
        audiences={
            each.name: AudienceMark(array, each.name) if array else AudienceMark(each.attribute)
            for each in audiences
            if not each.retired
        }
        or {"": AudienceMark("")},
        retired=tuple(each.attribute for each in audiences if each.retired and not array),
        known_attributes=(*guards.known_attributes, *own),
    )
    return SyncDefinition(
        rows=RowsSpec(
            name=name,
            query=query,
            identifier=this.identifier,
            attributes=described,
            null_policy=this.null_policy,
            catalog=known.settings,
            limits=settled.table_limits,
        ),
        plan=PlanSettings(
            limits=settled.limits,
            guards=guards,
            removed_rows="unset",
            removed_rows_unset=(*own, *unset),
            removed_attributes="keep",
            update_existing_only=this.update_existing_only,
        ),
        sources=sources,
        destination=str(this.destination),
        target="",
        enabled=settled.enabled,
        mode=this.mode,
        test_users=this.test_users,
        replay=this.replay,
        partitions=partitions_of(this.partitions),
        timing=timing_of(this.schedule),
        audit_sample=this.audit_sample,
        show_values=this.show_values,
        description=this.description,
        owners=this.owners,
        group=this.group,
        lineage=query.lineage(),
        show_sql=True,
    )


def require_segments(context: dg.ComponentLoadContext, names: Iterable[str], setting: str) -> None:
    """Refuse segments that are not there.

    Raises:
        ConfigurationError: Says file and line, and what comes near.
    """
    for name in names:
        named_segment(context, name, setting=setting, place=line_of(context.path / "defs.yaml", name))


def require_members(
    context: dg.ComponentLoadContext,
    include: Sequence[str],
    exclude: Sequence[str],
    setting: str = "include",
) -> None:
    """Refuse segments that are not there, and one that is included and excluded.

    Args:
        context: Of the component.
        include: Segments whose members are in.
        exclude: Segments whose members are out.
        setting: What `include` is called in the file.

    Raises:
        ConfigurationError: Says file and line, and what comes near.
    """
    require_segments(context, include, setting)
    require_segments(context, exclude, "exclude")
    both = next((name for name in include if name in exclude), None)
    if both is not None:
        raise ConfigurationError(
            f"The segment {both!r} is included and excluded: none of its members would be one.",
            place=line_of(context.path / "defs.yaml", "exclude"),
            remedy="Take it out of one of the two.",
        )


def chosen_columns(
    context: dg.ComponentLoadContext, this: MembersSettings, columns: Mapping[str, str]
) -> dict[str, Chosen]:
    """The columns that are written `table.column`, by attribute.

    Raises:
        ConfigurationError: A table or a column is unknown; says file and line, and what comes near.
    """
    own = {name.lower() for name in this.sources}
    tables = known_tables(context)
    customers = dg.AssetKey.from_user_string(this.customers).path[-1].lower()
    known = {
        **dict.fromkeys((*own, customers), ()),
        **USUAL,
        **{n: tuple(c or ()) for n, c in tables.items()},
    }
    found = {}
    for attribute, text in columns.items():
        table, dot, column = text.lower().partition(".")
        if not dot or not column:
            raise _unknown(context, text, "is not written as table.column", [f"{customers}.{text}"])
        if table not in known:
            raise _unknown(context, text, f"names the table {table}, which is unknown", list(known), table)
        if table not in own and known[table] and column not in known[table]:
            raise _unknown(
                context, text, f"names the column {column}, which {table} has not", list(known[table]), column
            )
        found[attribute] = Chosen(table, column)
    return found


def _unknown(
    context: dg.ComponentLoadContext, text: str, problem: str, known: list[str], word: str = ""
) -> ConfigurationError:
    near = difflib.get_close_matches(word, known, n=1) if word else known
    return ConfigurationError(
        f"The attribute column {text!r} {problem}.",
        place=line_of(context.path / "defs.yaml", text),
        remedy=(f"Did you mean {near[0]}? " if near else "")
        + "Write table.column; tables of your own are declared under `sources`.",
    )
