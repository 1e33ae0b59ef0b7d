"""What the catalogs of a project say of the attributes of one sync."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import dagster as dg

from braze_assets.components.attribute_catalog import AttributeCatalog
from braze_assets.components.data_template import DataTemplate
from braze_assets.components.references import declared
from braze_assets.components.yaml_errors import places_of
from braze_assets.errors import ConfigurationError
from braze_assets.plan import GuardSettings
from braze_assets.plan.attribute_names import is_personal
from braze_assets.rows import TableFile, TableQuery
from braze_assets.rows.spec import AttributeSettings

__all__ = ["Known", "known_attributes", "refuse_personal"]


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of attributes before a query runs; nothing where there is no catalog."""

    settings: Mapping[str, AttributeSettings] = field(default_factory=dict)
    """By name in Braze."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Column to name in Braze, where they differ."""
    personal: frozenset[str] = frozenset()
    impersonal: frozenset[str] = frozenset()
    case: Literal["lower", "as_written"] = "lower"
    new_attributes: Literal["warn", "block", "allow"] = "warn"

    def guards(self, guards: GuardSettings, *, policy: str | None, personal: bool) -> GuardSettings:
        """The guards with what the catalog knows.

        Args:
            guards: Those of the sync.
            policy: The sync's own for new attributes; None: the catalog's.
            personal: Whether personal data may be sent.
        """
        return replace(
            guards,
            new_attributes=policy or self.new_attributes,  # type: ignore[arg-type]
            known_attributes=tuple(self.settings),
            allow_personal=personal,
            personal_attributes=self.personal,
            impersonal_attributes=self.impersonal,
        )


def known_attributes(context: dg.ComponentLoadContext, destinations: Collection[str]) -> Known:
    """What all catalogs for these destinations say.

    Args:
        context: Of a sync.
        destinations: Where it goes.

    Raises:
        ConfigurationError: Two catalogs speak of one attribute, or differ where only one can be right.
    """
    catalogs = [
        each
        for each in declared(context, AttributeCatalog).values()
        if not each.destinations or {*each.destinations} & {*destinations}
    ]
    if not catalogs:
        return Known()
    folder = context.component_tree.defs_module_path
    settings: dict[str, AttributeSettings] = {}
    for catalog in catalogs:
        made = catalog.settings(context.path / "nowhere")
        for twice in made.keys() & settings.keys():
            raise ConfigurationError(
                f"Two catalogs speak of the attribute {twice} for one destination.",
                place=", ".join(places_of(twice, folder)) or str(folder),
                remedy="Keep it in one, or name the `destinations` each catalog is for.",
            )
        settings |= made
    if len({catalog.case for catalog in catalogs}) > 1:
        raise ConfigurationError(
            "Two catalogs for one destination have different settings of `case`.",
            place=", ".join(places_of("case:", folder)) or str(folder),
            remedy="Give both the same.",
        )
    entries = [(each.name or column, each) for c in catalogs for column, each in c.attributes.items()]
    strictness = ("allow", "warn", "block")
    return Known(
        settings=settings,
        names={
            column: each.name
            for catalog in catalogs
            for column, each in catalog.attributes.items()
            if each.name and each.name != column
        },
        personal=frozenset(name for name, each in entries if each.pii),
        impersonal=frozenset(name for name, each in entries if each.pii is False),
        case=catalogs[0].case,
        new_attributes=max((each.new_attributes for each in catalogs), key=strictness.index),
    )


def refuse_personal(
    query: TableQuery | TableFile, known: Known, guards: GuardSettings, template: DataTemplate | None
) -> None:
    """Refuse a query with personal data before it ever runs. Of a file, and behind a `*`, the guard does so.

    Raises:
        ConfigurationError: The template does not allow it; names file and line.
    """
    if guards.allow_personal or template is None or not isinstance(query, TableQuery):
        return
    for ordinal, column in enumerate(query.outputs() or ()):
        name = known.names.get(column, column)
        if is_personal(name, guards):
            raise ConfigurationError(
                f"The attribute {name} is personal data, which the template {template.name} does not allow.",
                place=query.column_place(ordinal),
                remedy="Take it out of the query, or name a template with `pii: true`.",
            )
