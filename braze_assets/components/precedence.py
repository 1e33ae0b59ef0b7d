"""Where a setting comes from: the sync, else its template, else its destination, else the default."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import dagster as dg
from pydantic import BaseModel

from braze_assets.braze.limits import Limits
from braze_assets.components.data_template import DataTemplate
from braze_assets.components.destination import Destination, deployment_resources
from braze_assets.components.references import declared, named
from braze_assets.components.sync_settings import SyncSettings
from braze_assets.components.yaml_errors import line_of
from braze_assets.errors import ConfigurationError
from braze_assets.resources.braze import BrazeResource
from braze_assets.resources.deployments import DEFAULT_DESTINATION

__all__ = ["Settled", "destinations_of", "require_one_table", "settle"]

_Flow = TypeVar("_Flow", bound=dg.Component)

_REQUIRED = ("identifier",)
"""Of a sync to a declared destination: a wrong guess would reach the wrong users."""

_WHOLE = ("schedule",)
"""What is taken as one, though it has settings within: the zone of one cron line says nothing of another."""

_OF_CELLS = ("array_items", "array_bytes")
"""Limits that decide what is in the table."""

_ONE_TABLE = ("identifier", "null_policy", "partitions", "schedule")
"""What several destinations of one sync must agree on."""


@dataclass(frozen=True)
class Settled(Generic[_Flow]):
    """A sync for one of its destinations, with every setting it has there."""

    sync: _Flow
    """A copy; `destination` is the name of this one."""
    destination: Destination | None
    """None: a resource of the deployment."""
    template: DataTemplate | None
    target: str = ""
    """The name of the destination, where the sync has several."""
    limits: Limits = field(default_factory=Limits)
    """What the destination accepts."""
    table_limits: Limits = field(default_factory=Limits)
    """What every destination of the sync accepts: they share one table."""

    @property
    def personal(self) -> bool:
        """Whether personal data may be sent."""
        return self.template is None or self.template.pii

    @property
    def why_not(self) -> str:
        """Why nothing is sent there, where it is disabled."""
        return f"The destination {getattr(self.sync, 'destination', '')} is disabled."

    @property
    def enabled(self) -> bool:
        """Whether anything is sent there."""
        return self.destination is None or self.destination.enabled


def settle(context: dg.ComponentLoadContext, sync: _Flow) -> list[Settled[_Flow]]:
    """A sync once for each of its destinations, with what template and destination say filled in.

    This is the one place where precedence is decided. It is asked of the settings of `SyncSettings` that the
    component has too, under the same names; groups such as `guards` are filled in one by one.

    Args:
        context: Of the sync.
        sync: A component with `destination`; it may have `template`.

    Raises:
        ConfigurationError: A template or a destination is unknown or named twice, or a setting that must be
            made is made nowhere.
    """
    template = _template(context, sync)
    settled = []
    names = _destinations(context, sync, template)
    for name in names:
        destination = _destination(context, sync, name)
        layers: list[Any] = [sync, template, destination and _with_identifier(destination)]
        values = _resolved(sync, [each for each in layers if each is not None])
        if destination is not None:
            _require(context, sync, values, template, destination)
        copy: Any = sync
        copy = copy.model_copy(update={**values, "destination": name})
        limits = _limits(name, destination)
        settled.append(Settled(copy, destination, template, name if len(names) > 1 else "", limits))
    narrow = {each: min(getattr(one.limits, each) for one in settled) for each in _OF_CELLS}
    return [replace(each, table_limits=replace(each.limits, **narrow)) for each in settled]


def _limits(name: str, destination: Destination | None) -> Limits:
    resource = destination.resource() if destination else deployment_resources()[name]
    return resource.limits() if isinstance(resource, BrazeResource) else Limits()


def require_one_table(context: dg.ComponentLoadContext, settled: Sequence[Settled[Any]]) -> None:
    """Refuse several destinations that do not want the same table.

    Raises:
        ConfigurationError: What makes the table, or the schedule, differs between them.
    """
    for name in _ONE_TABLE:
        values = [getattr(each.sync, name) for each in settled]
        if any(value != values[0] for value in values):
            raise ConfigurationError(
                f"The destinations of {settled[0].sync.name} differ in {name!r}, but they share one table.",
                place=line_of(context.path / "defs.yaml", "destination"),
                remedy=f"Set {name} on the sync, or make a sync for each destination.",
            )


def _resolved(sync: Any, layers: Sequence[BaseModel]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in SyncSettings.model_fields:
        kind = type(getattr(sync, name, None))
        if name not in type(sync).model_fields:
            continue
        said = [getattr(each, name) for each in layers if name in each.model_fields_set]
        if said and issubclass(kind, BaseModel) and name not in _WHOLE:
            groups = [group for group in said if isinstance(group, kind)]
            values[name] = kind(
                **{key: getattr(group, key) for group in reversed(groups) for key in group.model_fields_set}
            )
        elif said:
            values[name] = said[0]
    return values


def _with_identifier(destination: Destination) -> SyncSettings:
    """The defaults of a destination; its identifier is a setting of its own."""
    if destination.identifier is None:
        return destination.defaults
    return destination.defaults.model_copy(update={"identifier": destination.identifier})


def _require(
    context: dg.ComponentLoadContext,
    sync: Any,
    values: dict[str, Any],
    template: DataTemplate | None,
    destination: Destination,
) -> None:
    for name in _REQUIRED:
        if name in type(sync).model_fields and name not in values:
            of_template = f"the template {template.name}" if template else "a template (`template:`)"
            raise ConfigurationError(
                f"The setting {name!r} of {sync.name} is made nowhere.",
                place=line_of(context.path / "defs.yaml", sync.name),
                remedy=f"Set it in one of three places: the destination {destination.name}, {of_template}, "
                f"or the sync {sync.name}. The sync's own counts most, then the template's.",
            )


def _template(context: dg.ComponentLoadContext, sync: Any) -> DataTemplate | None:
    name = getattr(sync, "template", None)
    return named(context, DataTemplate, name, setting="template") if name else None


def _destinations(context: dg.ComponentLoadContext, sync: Any, template: DataTemplate | None) -> list[str]:
    said = sync.destination if "destination" in sync.model_fields_set else None
    said = said or (template and template.destination) or DEFAULT_DESTINATION
    names = [said] if isinstance(said, str) else list(said)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice or not names:
        raise ConfigurationError(
            f"{sync.name} names the destination {twice!r} twice."
            if twice
            else f"{sync.name} has an empty list of destinations.",
            place=line_of(context.path / "defs.yaml", "destination"),
            remedy="Name each destination once.",
        )
    return names


def destinations_of(context: dg.ComponentLoadContext, sync: Any) -> list[str]:
    """The names of the destinations a sync goes to."""
    return _destinations(context, sync, _template(context, sync))


def _destination(context: dg.ComponentLoadContext, sync: Any, name: str) -> Destination | None:
    found = declared(context, Destination).get(name)
    workspaces = [key for key, each in deployment_resources().items() if isinstance(each, BrazeResource)]
    if found is not None or name in workspaces:
        return found
    return named(context, Destination, name, setting="destination", also=workspaces)
