"""Chance that can be asked in any order: every draw is a hash of a seed, a label and a key.

Nothing here has a state, so a row of any day can be computed without the days before it. DuckDB's
`hash()` gives the same numbers on any number of threads, but may change between DuckDB versions: then the
sample is another one, as with another seed.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from braze_assets.storage import quote_literal

__all__ = ["Draws", "Version", "text_list", "zero_filled"]

_MILLION = 1_000_000
_EPOCHS = 4096  # room for the epochs of one key; the shortest period is 90 days, so this is a thousand years


@dataclass(frozen=True)
class Version:
    """Something that changes now and then: SQL for how often it has, and when it last did."""

    number: str
    """0 and rising."""
    changed_on: str
    """Day number (negative before the start); meaningless while `number` is 0."""


@dataclass(frozen=True)
class Draws:
    """SQL expressions of random draws.

    Keys are SQL expressions of a BIGINT. Two labels, or two keys, draw independently.
    """

    seed: int

    def bits(self, label: str, key: str = "i") -> str:
        """64 random bits as UBIGINT."""
        # Adding the salt before hashing matters: hash(key, salt) would combine two hashes by XOR, and
        # draws of different labels would follow each other.
        digest = hashlib.sha256(f"{self.seed}/{label}".encode()).digest()
        return f"hash({key} + {int.from_bytes(digest[:8], 'big') >> 4})"

    def whole(self, label: str, bound: int | str, key: str = "i") -> str:
        """A BIGINT from 0 to below the bound."""
        modulus = f"{bound}" if isinstance(bound, int) else f"({bound})::UBIGINT"
        return f"({self.bits(label, key)} % {modulus})::BIGINT"

    def unit(self, label: str, key: str = "i") -> str:
        """A DOUBLE above 0 and up to 1."""
        return f"((({self.bits(label, key)} >> 12) + 1) * {2.0**-52!r}::DOUBLE)"

    def chance(self, label: str, share: float, key: str = "i") -> str:
        """True for this share of the keys."""
        return f"({self.bits(label, key)} % {_MILLION} < {round(share * _MILLION)})"

    def pick(self, label: str, values: Sequence[str | None], key: str = "i") -> str:
        """One of the texts; repeat a text to make it likelier."""
        return f"{text_list(values)}[1 + {self.whole(label, len(values), key)}]"

    def wait(self, label: str, mean: float, key: str = "i") -> str:
        """Days to wait for something that happens with the same probability every day."""
        return f"floor(-ln({self.unit(label, key)}) * {mean})::BIGINT"

    def version(self, label: str, period: int, day: int, key: str = "i") -> Version:
        """Something that changes once every `period` days, on a random day of each.

        Periods begin on another day for every key, so each day 1/period of the keys change.
        """
        offset = self.whole(f"{label} offset", period, key)
        epoch = f"(({day} + {offset}) // {period})"
        within = f"(({day} + {offset}) % {period})"

        def moment(of: str) -> str:
            return self.whole(f"{label} moment", period, f"({key} * {_EPOCHS} + {of})")

        reached = f"({within} >= {moment(epoch)})"
        last = f"({epoch} - (NOT {reached})::BIGINT)"
        return Version(
            number=f"({epoch} + {reached}::BIGINT)",
            changed_on=f"({last} * {period} + {moment(last)} - {offset})",
        )


def text_list(values: Sequence[str | None]) -> str:
    """Texts as a SQL list."""
    return "[" + ", ".join("NULL" if value is None else quote_literal(value) for value in values) + "]"


def zero_filled(number: str, digits: int) -> str:
    """A number as text, with zeros in front up to so many digits; a longer one stays whole."""
    return f"lpad({number}::VARCHAR, greatest({digits}, length({number}::VARCHAR))::INTEGER, '0')"
