"""Rules evaluated the slow way: one customer at a time, from the YAML's own words, in plain Python."""

import calendar
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

__all__ = ["World", "is_member"]

Row = Mapping[str, Any]
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class World:
    """Rows by table, the end of the partition, and the rules of all segments."""

    tables: Mapping[str, Sequence[Row]]
    as_of: datetime
    segments: Mapping[str, Any]

    def value(self, customer: str, column: str) -> Any:
        """The customer's value in the only table that has the column; None where they have no row."""
        column = column.lower()
        for table in ("merged_customers", "extras"):
            if column.rpartition(".")[0] in ("", table):
                name = column.rpartition(".")[2]
                for row in self.tables[table]:
                    if row["amperity_id"] == customer and name in row:
                        return row[name]
        return None


def is_member(rule: Any, customer: str, world: World) -> bool:
    """Whether a rule, as YAML reads it, is true of a customer."""
    if isinstance(rule, list):
        return all(is_member(each, customer, world) for each in rule)
    return all(_holds(key, value, customer, world) for key, value in rule.items())


def _holds(key: str, value: Any, customer: str, world: World) -> bool:
    if key == "all":
        return is_member(value, customer, world)
    if key == "any":
        return any(is_member(each, customer, world) for each in value)
    if key == "not":
        return not is_member(value, customer, world)
    if key == "in segment":
        return is_member(world.segments[value], customer, world)
    if key == "not in segment":
        return not is_member(world.segments[value], customer, world)
    if key == "purchased":
        return _purchased(value, customer, world)
    if key == "not purchased":
        return not _purchased(value, customer, world)
    return _asked(value, world.value(customer, key), world.as_of)


def _purchased(asked: Any, customer: str, world: World) -> bool:
    if isinstance(asked, str):
        asked = {"when": asked}
    items = "product" in asked
    rows = [
        row
        for row in world.tables["unified_itemized_transactions" if items else "unified_transactions"]
        if row["amperity_id"] == customer and _counts(row, asked, world.as_of)
    ]
    orders = {row["order_id"] for row in rows} if items else rows
    paid = [row["item_revenue" if items else "order_revenue"] for row in rows]
    total = sum((each for each in paid if each is not None), Decimal(0))
    return (
        len(orders) >= 1
        and _asked(asked.get("count", {}), len(orders), world.as_of)
        and _asked(asked.get("amount", {}), total, world.as_of)
    )


def _counts(row: Row, asked: Mapping[str, Any], as_of: datetime) -> bool:
    if "product_id" in row:
        if row.get("is_return") or row.get("is_cancellation"):
            return False
    elif row["order_quantity"] is None or row["order_quantity"] <= 0:
        return False
    columns = {"product": "product_id", "channel": "purchase_channel"}
    for name, column in columns.items():
        wanted = asked.get(name, row.get(column, "any"))
        if name in asked and row[column] not in (wanted if isinstance(wanted, list) else [wanted]):
            return False
    when = asked.get("when", "ever")
    return when == "ever" or _asked(when, row["order_datetime"], as_of)


def _asked(test: Any, value: Any, as_of: datetime) -> bool:
    if isinstance(test, str):
        return _spoken(test, value, as_of)
    return all(_test(word, than, value, as_of) for word, than in test.items())


def _blank(value: Any) -> bool:
    return (
        value is None
        or (isinstance(value, str) and not value.strip(" "))
        or (isinstance(value, float) and math.isnan(value))
    )


def _spoken(words: str, value: Any, as_of: datetime) -> bool:
    if words.startswith("is not "):
        return not _spoken("is " + words.removeprefix("is not "), value, as_of)
    if words.startswith("not "):
        return not _spoken(words.removeprefix("not "), value, as_of)
    if words == "is blank":
        return _blank(value)
    if _blank(value):
        return False
    if words in ("is true", "is false"):
        return value is (words == "is true")
    moment = _instant(value)
    if words == "yesterday":
        return _midnight(as_of) - _DAY <= moment < _midnight(as_of)
    if words.startswith("in the last "):
        return _before(as_of, words.removeprefix("in the last ")) <= moment < as_of
    if words.startswith("more than "):
        return moment < _before(as_of, words.removeprefix("more than "))
    assert words.startswith("less than ")
    return moment >= _before(as_of, words.removeprefix("less than "))


def _test(word: str, than: Any, value: Any, as_of: datetime) -> bool:
    opposite = {"is not": "is", "is not in": "is in", "does not contain": "contains"}
    if word in opposite:
        return not _test(opposite[word], than, value, as_of)
    if _blank(value):
        return False
    if word == "is":
        return bool(value == _exactly(than, value))
    if word == "is in":
        return any(value == _exactly(each, value) for each in than)
    if word in ("contains", "starts with", "ends with"):
        texts = than if isinstance(than, list) else [than]
        if word == "contains":
            return any(each in value for each in texts)
        return any(
            value.startswith(each) if word == "starts with" else value.endswith(each) for each in texts
        )
    if word in ("greater than", "at least", "less than", "at most"):
        number = _exactly(than, value)
        return {
            "greater than": value > number,
            "at least": value >= number,
            "less than": value < number,
            "at most": value <= number,
        }[word]
    if word == "between" and not isinstance(than[0], (str, date)):
        return bool(_exactly(than[0], value) <= value <= _exactly(than[1], value))
    moment = _instant(value)
    bounds = [_bounds(each, as_of) for each in (than if isinstance(than, list) else [than])]
    return {
        "before": moment < bounds[0][0],
        "on or before": moment < bounds[0][1],
        "on": bounds[0][0] <= moment < bounds[0][1],
        "on or after": moment >= bounds[0][0],
        "after": moment >= bounds[0][1],
        "between": bounds[0][0] <= moment < bounds[-1][1],
    }[word]


def _exactly(number: Any, value: Any) -> Any:
    """A number of YAML's, which reads 0.1 as a float, as exact as the value is."""
    return (
        Decimal(repr(number)) if isinstance(number, float) and isinstance(value, (Decimal, int)) else number
    )


def _instant(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=timezone.utc)
    return datetime.combine(value, time(), tzinfo=timezone.utc)


def _midnight(moment: datetime) -> datetime:
    return datetime.combine(moment.date(), time(), tzinfo=timezone.utc)


def _bounds(bound: Any, as_of: datetime) -> tuple[datetime, datetime]:
    """The first instant of a day, and that of the next; of so long ago, the instant twice."""
    if isinstance(bound, date):
        return _instant(bound), _instant(bound) + _DAY
    if bound in ("today", "yesterday"):
        day = _midnight(as_of) - (_DAY if bound == "yesterday" else timedelta())
        return day, day + _DAY
    moment = _before(as_of, bound)
    return moment, moment


def _before(as_of: datetime, words: str) -> datetime:
    """`30 days`, `1 month ago` before a moment; a month before 31 March is 28 February."""
    count, unit = int(words.split()[0]), words.split()[1].rstrip("s")
    if unit in ("hour", "day", "week"):
        return as_of - count * {"hour": timedelta(hours=1), "day": _DAY, "week": 7 * _DAY}[unit]
    months = as_of.year * 12 + as_of.month - 1 - count * (12 if unit == "year" else 1)
    year, month = months // 12, months % 12 + 1
    return as_of.replace(year=year, month=month, day=min(as_of.day, calendar.monthrange(year, month)[1]))
