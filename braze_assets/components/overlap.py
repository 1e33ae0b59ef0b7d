"""Whether two syncs write one attribute of one destination: each would undo what the other one did."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Protocol

import dagster as dg

from braze_assets.assets.syncs import SyncDefinition
from braze_assets.components.precedence import destinations_of
from braze_assets.components.yaml_errors import line_of
from braze_assets.errors import ConfigurationError
from braze_assets.rows import TableQuery

__all__ = ["Writer", "alone"]

_Taken = dict[tuple[str, str], tuple[str, str]]
"""By destination and attribute: the sync that writes it, and where that is written."""

_last: tuple[dg.ComponentTree | None, _Taken] = (None, {})
"""Of the tree that is loading."""


class Writer(Protocol):
    """A component that writes attributes."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def owns(self) -> Iterable[str]:
        """The attributes it writes though others have them too."""


def alone(
    context: dg.ComponentLoadContext,
    me: Writer,
    definition: SyncDefinition,
    others: Iterable[Writer],
    place: Callable[[str], str] | None = None,
) -> SyncDefinition:
    """The sync without the attributes that others own.

    Behind a `*` and in files, columns are known when the plan is made: the guard `overlap` looks at those.

    Args:
        context: Of the component.
        me: The component.
        definition: Its sync for one destination.
        others: All components that write attributes.
        place: Where an attribute is written.

    Raises:
        ConfigurationError: Another one writes an attribute too, and neither owns it, or both do.
    """
    global _last
    if _last[0] is not context.component_tree:
        _last = (context.component_tree, {})
    taken = _last[1]
    yields = {
        attribute
        for other in others
        if other is not me and other.owns and definition.destination in destinations_of(context, other)
        for attribute in other.owns
    } - {*me.owns}
    there = line_of(context.path / "defs.yaml", me.name)
    for attribute in sorted({*(_attributes(definition) or ()), *me.owns} - yields):
        at = (definition.destination, attribute)
        by, where = taken.setdefault(at, (definition.rows.name, place(attribute) if place else there))
        if by != definition.rows.name:
            raise ConfigurationError(
                f"Two syncs write the attribute {attribute} of {definition.destination}: {by} and "
                f"{definition.rows.name}. Each would undo what the other one did.",
                place=f"{where}, {place(attribute) if place else there}",
                remedy=f"Rename one, or give one of them `owns: [{attribute}]`: the other does not send it "
                "then.",
            )
    guards = replace(
        definition.plan.guards, taken=_Others(taken, definition.destination, definition.rows.name)
    )
    return replace(
        definition,
        rows=replace(definition.rows, yields=tuple(sorted(yields))),
        plan=replace(definition.plan, guards=guards),
    )


class _Others(Mapping[str, str]):
    """Who else writes what: looked up when a plan is made, when all components are there."""

    def __init__(self, taken: _Taken, destination: str, me: str) -> None:
        self._taken, self._destination, self._me = taken, destination, me

    def _found(self) -> dict[str, str]:
        return {
            attribute: by
            for (destination, attribute), (by, _) in self._taken.items()
            if destination == self._destination and by != self._me
        }

    def __getitem__(self, attribute: str) -> str:
        return self._found()[attribute]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found())

    def __len__(self) -> int:
        return len(self._found())


def _attributes(definition: SyncDefinition) -> set[str] | None:
    query = definition.rows.query
    columns = query.outputs() if isinstance(query, TableQuery) else None
    if columns is None:
        return None
    identifier = {"alias_name", "alias_label"} if definition.rows.identifier == "user_alias" else set()
    names = {definition.rows.names.get(column, column) for column in columns}
    return names - identifier - {definition.rows.identifier}
