"""Components that speak of each other by name: a sync of its destination, a campaign of its segments."""

import difflib
from collections import Counter
from collections.abc import Collection
from typing import Any, TypeVar

import dagster as dg

from braze_assets.components.yaml_errors import line_of, places_of
from braze_assets.errors import ConfigurationError

__all__ = ["declared", "named"]

_Named = TypeVar("_Named", bound=dg.Component)

_last: tuple[dg.ComponentTree | None, dict[type, Any]] = (None, {})
"""What was looked up in the tree that is loading: each look goes through all components, and each asks."""


def declared(context: dg.ComponentLoadContext, kind: type[_Named]) -> dict[str, _Named]:
    """All components of a kind in this project, by their `name`.

    Args:
        context: Of the component that asks; any loader's.
        kind: The class; it has the setting `name`.

    Raises:
        ConfigurationError: Two of them have one name, in whatever case; says where.
    """
    global _last
    if _last[0] is not context.component_tree:
        _last = (context.component_tree, {})
    known = _last[1]
    if kind not in known:
        known[kind] = _all(context, kind)
    return dict(known[kind])


def _all(context: dg.ComponentLoadContext, kind: type[_Named]) -> dict[str, _Named]:
    found = context.component_tree.get_all_components(kind)
    names = Counter(_name(each).casefold() for each in found)
    for each in found:
        if names[_name(each).casefold()] > 1:
            places = places_of(f"name: {_name(each)}", context.component_tree.defs_module_path)
            raise ConfigurationError(
                f"The name {_name(each)!r} is taken by another {kind.__name__}.",
                place=", ".join(places) or str(context.path),
                remedy="Give each a name of its own; upper and lower case are the same.",
            )
    return {_name(each): each for each in found}


def named(
    context: dg.ComponentLoadContext,
    kind: type[_Named],
    name: str,
    *,
    setting: str,
    also: Collection[str] = (),
) -> _Named:
    """The component of a kind with this name.

    Args:
        context: Of the component that names it.
        kind: The class.
        name: As it is written.
        setting: Where it is written, such as `destination`.
        also: What else could be meant, though no component: it is proposed too.

    Raises:
        ConfigurationError: There is none; says file and line, and what comes near.
    """
    known = declared(context, kind)
    if name in known:
        return known[name]
    names = sorted({*known, *also})
    near = difflib.get_close_matches(name, names, n=1)
    there = f"Known: {', '.join(names)}." if names else f"There is no {kind.__name__} yet."
    raise ConfigurationError(
        f"The {setting} {name!r} is unknown.",
        place=line_of(context.path / "defs.yaml", name),
        remedy=(f"Did you mean {near[0]}? " if near else "") + there,
    )


def _name(component: dg.Component) -> str:
    return str(component.name)  # type: ignore[attr-defined]
