"""The component `braze_assets.Segments`: who belongs together, without SQL, in YAML."""

from collections.abc import Sequence
from typing import Any

import dagster as dg
from pydantic import Field, field_validator

from braze_assets.assets.segments import SegmentDefinition, SegmentsDefinition, build_segments
from braze_assets.components.models import PartitionsModel, SourceModel
from braze_assets.components.references import declared
from braze_assets.components.scaffolding import FromTemplate
from braze_assets.components.schedule_model import SCHEDULE, Schedule, placed, schedule_text, timing_of
from braze_assets.components.segment_places import Places
from braze_assets.components.segment_tables import USUAL, known_tables
from braze_assets.components.tables import declared_source, partitions_of
from braze_assets.errors import ConfigurationError
from braze_assets.segments import Segment, Tables, check_segments, near, read_rule, tables_of

__all__ = ["SegmentModel", "Segments", "declared_segments", "named_segment"]


class SegmentModel(dg.Model, dg.Resolvable):
    """One segment: its members are the customers the rule is true of."""

    name: str = Field(pattern=r"^[A-Za-z0-9_]+$", description="Letters, digits and underscores.")
    rule: dict[str, Any] | list[Any] = Field(description="See docs/segments.md.")
    description: str | None = None
    owners: Sequence[str] = ()


@dg.scaffold_with(FromTemplate)
class Segments(dg.Component, dg.Model, dg.Resolvable):
    """Segments of customers, by rules over the tables of the Customer 360.

    Makes an asset `segments/<name>` each, whose rows are the members, and a job for all of them, which reads
    the tables once, with a schedule that is stopped until somebody starts it.
    """

    name: str = Field(
        default="segments",
        pattern=r"^[A-Za-z0-9_]+$",
        description="Tells files of segments apart; the job is named after it.",
    )
    segments: Sequence[SegmentModel]
    key: str = Field(
        default="amperity_id", description="The column that tells customers apart in all tables."
    )
    customers: str = Field(
        default="customer_360/merged_customers", description="The asset of the customers: one row each."
    )
    sources: dict[str, SourceModel] = Field(
        default={}, description="Tables of the rules that are not assets of `customer_360`."
    )
    partitions: PartitionsModel = PartitionsModel()
    schedule: Schedule = Field(default=None, description=SCHEDULE)
    group: str = "segments"

    _schedule = field_validator("schedule")(schedule_text)

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The assets of the segments, their job, and what starts it."""
        places = Places(context.component_tree.defs_module_path, context.path)
        with places.located(), placed(context.path / "defs.yaml"):
            return build_segments(self.definition(context, places))

    def definition(self, context: dg.ComponentLoadContext, places: Places) -> SegmentsDefinition:
        """The segments in Python.

        Raises:
            ConfigurationError: A rule cannot be read, or speaks of a segment that is not there.
            SourceError: A rule speaks of a table or column that is not there, or asks it what it cannot.
        """
        everything = _declared(context, places)
        own = [everything[each.name] for each in self.segments]
        columns = {**known_tables(context), **{name.lower(): None for name in self.sources}}
        customers = dg.AssetKey.from_user_string(self.customers)
        columns.setdefault(customers.path[-1].lower())
        tables = Tables(columns, customers=customers.path[-1].lower(), key=self.key, open=True, usual=USUAL)
        check_segments(own, tables, everything)
        sources = {
            name.lower(): declared_source(name.lower(), self.sources, context.path) for name in columns
        }
        if tables.customers not in {name.lower() for name in self.sources}:
            sources[tables.customers] = type(sources[tables.customers])(asset=customers)
        return SegmentsDefinition(
            name=self.name,
            segments=[
                _segment(each, model, tables_of([each], tables, everything), places)
                for each, model in zip(own, self.segments, strict=True)
            ],
            tables=tables,
            others=everything,
            sources=sources,
            partitions=partitions_of(self.partitions),
            timing=timing_of(self.schedule),
            group=self.group,
            located=places.located,
        )


def _segment(
    segment: Segment, model: SegmentModel, tables: Sequence[str], places: Places
) -> SegmentDefinition:
    file, line = places.file_and_line(segment.name) or (None, None)
    return SegmentDefinition(
        segment=segment,
        tables=tables,
        description=model.description,
        owners=model.owners,
        file=file,
        line=line,
    )


def declared_segments(context: dg.ComponentLoadContext) -> dict[str, Segment]:
    """All segments of this project by name, whichever file they are in.

    Raises:
        ConfigurationError: A rule cannot be read, or two segments have one name, in whatever case.
    """
    places = Places(context.component_tree.defs_module_path, context.path)
    with places.located():
        return _declared(context, places)


def named_segment(context: dg.ComponentLoadContext, name: str, *, setting: str, place: str) -> Segment:
    """The segment of this name.

    Args:
        context: Of the component that names it.
        name: As it is written.
        setting: Where it is written, such as `include`.
        place: The file and line.

    Raises:
        ConfigurationError: There is none; says what comes near.
    """
    known = declared_segments(context)
    if name in known:
        return known[name]
    there = f"Known: {', '.join(sorted(known))}." if known else "There are no segments yet."
    raise ConfigurationError(
        f"The segment {name!r} of `{setting}` is unknown.", place=place, remedy=near(name, known) + there
    )


def _declared(context: dg.ComponentLoadContext, places: Places) -> dict[str, Segment]:
    found: dict[str, Segment] = {}
    taken: dict[str, str] = {}
    for component in declared(context, Segments).values():
        for model in component.segments:
            if model.name.casefold() in taken:
                raise ConfigurationError(
                    f"The name {model.name!r} is taken by another segment.",
                    place=places.names(model.name),
                    remedy="Give each a name of its own; upper and lower case are the same.",
                )
            taken[model.name.casefold()] = model.name
            found[model.name] = Segment(model.name, read_rule(model.rule, places.of(model.name)))
    return found
