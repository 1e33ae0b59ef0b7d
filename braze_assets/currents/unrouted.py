"""Files that belong to no event type or to no hour: told of, never silently left out."""

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["EXAMPLES", "Unrouted"]

EXAMPLES = 10
"""How many are named."""


@dataclass(frozen=True)
class Unrouted:
    """Files that no table gets, because their keys lack `event_type=` or an hour behind `date=`."""

    count: int = 0
    examples: tuple[str, ...] = ()
    """Keys of some, sorted."""
    at_least: bool = False
    """Whether there may be more: folders without either are not listed to their end."""

    @classmethod
    def of(cls, keys: Iterable[str], at_least: bool = False) -> "Unrouted":
        """Those of one folder."""
        found = sorted(keys)
        return cls(len(found), tuple(found[:EXAMPLES]), at_least)

    def __add__(self, other: "Unrouted") -> "Unrouted":
        return Unrouted(
            self.count + other.count,
            tuple(sorted({*self.examples, *other.examples})[:EXAMPLES]),
            self.at_least or other.at_least,
        )

    def __str__(self) -> str:
        if not self.count:
            return "none"
        more = "at least " if self.at_least else ""
        return f"{more}{self.count:,}, such as {self.examples[0]}"
