"""Rules as they are written in YAML, read into the rule language."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from braze_assets.segments.reading_tests import read_period, read_test
from braze_assets.segments.rules import (
    All,
    AnyOf,
    Column,
    Compared,
    Field,
    InSegment,
    Not,
    OneOf,
    Purchased,
    Rule,
    SqlCondition,
)
from braze_assets.segments.schemas import near
from braze_assets.segments.wording import Path, Reading, texts

__all__ = ["Path", "read_rule"]

_WORDS = ("all", "any", "not", "purchased", "not purchased", "in segment", "not in segment", "sql")
_PURCHASE = ("when", "count", "amount", "product", "channel", "brand", "currency")
_EVER = "ever"


def read_rule(document: object, place: Callable[[Path], str]) -> Rule:
    """A rule from YAML that is parsed already.

    Args:
        document: A mapping, or a list of mappings, which are all to be true.
        place: Where something in it is written, given the keys and list positions that lead there.

    Raises:
        ConfigurationError: It is no rule; says where, and what comes near.
    """
    return _Rules(Reading(place)).rule(document, ())


@dataclass(frozen=True)
class _Rules:
    reading: Reading

    def rule(self, document: object, path: Path) -> Rule:
        if isinstance(document, list):
            return self._several(document, path)
        if not isinstance(document, Mapping) or not document:
            raise self.reading.error(
                "A rule is a column with what is asked of it, or one of " + ", ".join(_WORDS) + ".",
                path,
                "Write `country: {is: DE}`, or `all:` with a list of rules.",
            )
        rules = [self._entry(key, value, (*path, key)) for key, value in document.items()]
        return rules[0] if len(rules) == 1 else All(tuple(rules))

    def _several(self, document: object, path: Path) -> All:
        return All(self._list(document, path))

    def _list(self, document: object, path: Path) -> tuple[Rule, ...]:
        if not isinstance(document, list) or not document:
            raise self.reading.error(
                "A list of rules is expected, with one at least.", path, "Write each rule after a dash."
            )
        return tuple(self.rule(each, (*path, index)) for index, each in enumerate(document))

    def _entry(self, key: object, value: object, path: Path) -> Rule:
        word = str(key).replace("_", " ").strip() if isinstance(key, str) else ""
        if word == "all":
            return self._several(value, path)
        if word == "any":
            return AnyOf(self._list(value, path))
        if word == "not":
            return Not(self.rule(value, path))
        if word in ("purchased", "not purchased"):
            bought = self._purchased(value, path)
            return bought if word == "purchased" else Not(bought)
        if word in ("in segment", "not in segment"):
            if not isinstance(value, str):
                raise self.reading.error(f"`{word}` is not followed by the name of a segment.", path)
            member = InSegment(value, self.reading.place(path))
            return member if word == "in segment" else Not(member)
        if word == "sql":
            if not isinstance(value, str) or not value.strip():
                raise self.reading.error("`sql` is not followed by a condition.", path)
            return SqlCondition(value.strip(), self.reading.place(path))
        return self._field(key, value, path)

    def _field(self, key: object, value: object, path: Path) -> Rule:
        names = str(key).split(".") if isinstance(key, str) else [""]
        if len(names) > 2 or not all(each.strip() for each in names):
            raise self.reading.error(
                f"{key!r} is no column.",
                path,
                near(str(key), _WORDS, most=1) + "Write column or table.column.",
            )
        column = Column(names[-1], names[0] if len(names) == 2 else None)
        place = self.reading.place(path)
        rules = [
            Not(Field(column, test, place)) if negated else Field(column, test, place)
            for negated, test in read_test(value, self.reading, path)
        ]
        return rules[0] if len(rules) == 1 else All(tuple(rules))

    def _purchased(self, value: object, path: Path) -> Purchased:
        place = self.reading.place(path)
        if isinstance(value, str):
            when = None if value.strip() == _EVER else read_period(value, self.reading, path)
            return Purchased(when=when, place=place)
        if not isinstance(value, Mapping) or not value:
            raise self.reading.error(
                "`purchased` is not followed by what was bought and when.",
                path,
                "Write `purchased: ever`, `purchased: in the last 30 days`, or a mapping with "
                f"{', '.join(_PURCHASE)}.",
            )
        for name in value:
            if name not in _PURCHASE:
                raise self.reading.error(
                    f"`purchased` knows no {name!r}.",
                    (*path, name),
                    near(str(name), _PURCHASE, most=1) + f"Known here: {', '.join(_PURCHASE)}.",
                )
        when = value.get("when")
        return Purchased(
            when=None if when in (None, _EVER) else read_period(when, self.reading, (*path, "when")),
            count=self._numbers(value, "count", path),
            amount=self._numbers(value, "amount", path),
            products=self._texts(value, "product", path),
            channels=self._texts(value, "channel", path),
            brands=self._texts(value, "brand", path),
            currencies=self._texts(value, "currency", path),
            place=place,
        )

    def _numbers(self, value: Mapping[str, Any], name: str, path: Path) -> tuple[Compared | OneOf, ...]:
        if name not in value:
            return ()
        path = (*path, name)
        found = []
        for negated, test in read_test(value[name], self.reading, path):
            if negated or not isinstance(test, (Compared, OneOf)) or not _of_numbers(test):
                raise self.reading.error(
                    f"`{name}` is not followed by what is asked of a number.",
                    path,
                    f"Write `{name}: {{at least: 2}}`.",
                )
            found.append(test)
        if name == "count" and any(_only_none(test) for test in found):
            raise self.reading.error(
                "Nobody purchased and has no order.", path, "Write `not purchased:` instead."
            )
        return tuple(found)

    def _texts(self, value: Mapping[str, Any], name: str, path: Path) -> tuple[str, ...] | None:
        if name not in value:
            return None
        return texts(value[name], self.reading, (*path, name))


def _of_numbers(test: Compared | OneOf) -> bool:
    return isinstance(test, Compared) or not any(isinstance(each, str) for each in test.values)


def _only_none(test: Compared | OneOf) -> bool:
    """Whether no number of orders above 0 fits."""
    if isinstance(test, OneOf):
        return all(not isinstance(each, str) and each < 1 for each in test.values)
    return (test.operator == "<" and test.value <= 1) or (test.operator == "<=" and test.value < 1)
