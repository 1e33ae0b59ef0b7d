"""The documented event types by name: what they are, their columns, and which are meant by a pattern."""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files

from braze_assets.currents.events import event_types, fields_of
from braze_assets.errors import ConfigurationError

__all__ = ["Column", "columns_of", "description_of", "expand"]

_SQL = {
    "int": "BIGINT",
    "long": "BIGINT",
    "float": "DOUBLE",
    "boolean": "BOOLEAN",
    "array<string>": "VARCHAR[]",
}
_ADDED = {
    "event_time": ("TIMESTAMP WITH TIME ZONE", "When it happened (UTC), from `time`."),
    "_file": ("VARCHAR", "The file it came in."),
}


@dataclass(frozen=True)
class Column:
    """A column of an event table."""

    name: str
    type: str
    """The type in SQL."""
    description: str


@cache
def _texts() -> Mapping[str, Mapping[str, str]]:
    text = files("braze_assets.currents").joinpath("event_descriptions.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def description_of(event_type: str) -> str:
    """What an event of this type is, in one sentence."""
    return _texts()["types"].get(event_type, "An event type that is not documented.")


@cache
def columns_of(event_type: str) -> tuple[Column, ...]:
    """The columns that the table of an event type has at least, described."""
    known = _texts()["fields"]
    documented = [
        Column(
            each.name,
            "VARCHAR" if each.name == "price" else _SQL.get(each.type, "VARCHAR"),
            known.get(each.name, ""),
        )
        for each in fields_of(event_type)
    ]
    return (*documented, *(Column(name, *about) for name, about in _ADDED.items()))


def expand(patterns: Iterable[str]) -> tuple[str, ...]:
    """Event types and wildcards as event types, in their order, each once.

    `users.messages.*` stands for the documented types that fit. A name without a wildcard need not be
    documented, but one that is all but a documented one is a mistake.

    Raises:
        ConfigurationError: A wildcard fits nothing, or a name is misspelled.
    """
    found: dict[str, None] = {}
    for pattern in patterns:
        if "*" in pattern or "?" in pattern:
            fitting = [each for each in event_types() if fnmatchcase(each, pattern)]
            if not fitting:
                raise _wrong(f"No documented event type fits {pattern!r}.", pattern)
            found.update(dict.fromkeys(fitting))
        else:
            if pattern not in event_types() and (not _plausible(pattern) or _near(pattern, 0.9)):
                raise _wrong(f"The event type {pattern!r} is unknown.", pattern)
            found[pattern] = None
    return tuple(found)


def _plausible(name: str) -> bool:
    """Whether it may be a type that is newer than the documentation: `users.something.Happened`."""
    parts = name.split(".")
    return len(parts) > 1 and all(part.isidentifier() for part in parts)


def _near(name: str, cutoff: float) -> list[str]:
    by_lower = {each.lower(): each for each in event_types()}
    return [by_lower[each] for each in difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=cutoff)]


def _wrong(cause: str, name: str) -> ConfigurationError:
    near = _near(name, 0.6)
    return ConfigurationError(
        cause,
        place=name,
        remedy=(f"Did you mean {near[0]}? " if near else "")
        + "Name event types as the folders after `event_type=` are, or use a wildcard such as "
        "users.messages.email.*.",
    )
