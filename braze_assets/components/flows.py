"""The flows of a project, by the names people call them."""

from collections.abc import Iterator

import dagster as dg

from braze_assets.assets.alerts import Watched
from braze_assets.campaigns import slug
from braze_assets.components.attribute_sync import AttributeSync
from braze_assets.components.audiences import Audiences
from braze_assets.components.campaign import Campaign
from braze_assets.components.csv_drop import CsvDrop
from braze_assets.components.destination import Destination
from braze_assets.components.event_sync import EventSync
from braze_assets.components.precedence import destinations_of
from braze_assets.components.references import declared

__all__ = ["flows"]


def flows(context: dg.ComponentLoadContext) -> dict[str, list[Watched]]:
    """All flows by the name of their component, each once for every destination.

    Args:
        context: Of the component that asks.
    """
    found: dict[str, list[Watched]] = {}
    workspaces = declared(context, Destination)
    for name, component, base, own in _components(context):
        targets = destinations_of(context, component)
        found.setdefault(name, [])
        for target in targets:
            full = f"{base}_{target}" if len(targets) > 1 else base
            found[name].append(
                Watched(
                    name=full,
                    send=dg.AssetKey(f"{full}_sync"),
                    # A campaign has a table for each destination.
                    table=dg.AssetKey(full if own else base),
                    enabled=target not in workspaces or workspaces[target].enabled,
                )
            )
    for name, drop in declared(context, CsvDrop).items():
        [target] = destinations_of(context, drop)
        found.setdefault(name, []).append(
            Watched(
                name=name,
                send=dg.AssetKey(f"{name}_results"),
                ordered=False,
                enabled=target not in workspaces or workspaces[target].enabled,
            )
        )
    return found


def _components(context: dg.ComponentLoadContext) -> Iterator[tuple[str, dg.Component, str, bool]]:
    """Name, component, the name of its table, and whether each destination has a table of its own."""
    for kind in (AttributeSync, Audiences, EventSync):
        for name, each in declared(context, kind).items():
            yield name, each, name, False
    for name, each in declared(context, Campaign).items():
        yield name, each, f"campaign_{slug(name)}", True
