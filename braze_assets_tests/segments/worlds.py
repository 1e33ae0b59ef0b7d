"""Random rules over random small tables, with values at and around every boundary."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from braze_assets_tests.segments.oracle import World, _before

__all__ = ["COLUMNS", "SCHEMAS", "rules", "worlds"]

UTC = timezone.utc
MOMENTS = [
    datetime(2026, 3, 31, tzinfo=UTC),
    datetime(2024, 2, 29, tzinfo=UTC),
    datetime(2026, 7, 2, tzinfo=UTC),
    datetime(2026, 3, 31, 13, 30, tzinfo=UTC),
]
SPANS = ["1 day", "30 days", "2 weeks", "1 month", "1 year", "24 hours"]
TEXTS = ["DE", "AT", "de", "", "  ", "D'E", "DE\n", "%", "Österreich"]
SOUGHT = ["DE", "AT", "de", "E", "D'E", "%", "Ö", "no one"]

_ID = ("amperity_id", pa.string())
_TIME = pa.timestamp("us", "UTC")
SCHEMAS = {
    "merged_customers": pa.schema(
        [
            _ID,
            ("country", pa.string()),
            ("points", pa.int64()),
            ("spend", pa.decimal128(10, 2)),
            ("score", pa.float64()),
            ("vip", pa.bool_()),
            ("born", pa.date32()),
            ("seen", _TIME),
            ("noted", pa.timestamp("us")),
        ]
    ),
    "extras": pa.schema([_ID, ("tier", pa.string()), ("visits", pa.int32()), ("order", pa.bool_())]),
    "unified_transactions": pa.schema(
        [
            _ID,
            ("order_id", pa.string()),
            ("order_datetime", _TIME),
            ("order_quantity", pa.int64()),
            ("order_revenue", pa.decimal128(18, 2)),
            ("purchase_channel", pa.string()),
        ]
    ),
    "unified_itemized_transactions": pa.schema(
        [
            _ID,
            ("order_id", pa.string()),
            ("product_id", pa.string()),
            ("order_datetime", _TIME),
            ("item_revenue", pa.decimal128(12, 2)),
            ("purchase_channel", pa.string()),
            ("is_return", pa.bool_()),
            ("is_cancellation", pa.bool_()),
        ]
    ),
}
COLUMNS = {"country", "points", "spend", "score", "vip", "born", "seen", "noted", "tier", "visits", "order"}


def _or_none(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), values)


def _times(as_of: datetime) -> st.SearchStrategy[datetime]:
    """On, just before and just after the moments that rules speak of."""
    midnight = as_of.replace(hour=0, minute=0)
    days = [midnight + timedelta(days=n) for n in (-2, -1, 0, 1, 2)]
    days += [datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)]
    marks = [as_of, *days, *(_before(as_of, span) for span in SPANS)]
    return st.builds(
        lambda mark, step: mark + timedelta(microseconds=step),
        st.sampled_from(marks),
        st.sampled_from([-1, 0, 1]),
    )


_DECIMALS = st.sampled_from([Decimal(text) for text in ("0.00", "0.10", "9.99", "10.00", "10.01", "-5.00")])
_FLOATS = st.sampled_from([0.0, -0.0, 0.1, 9.99, 10.0, 10.01, -5.0, float("nan"), float("inf")])
_CHANNELS = _or_none(st.sampled_from(["web", "app", "store"]))


@st.composite
def worlds(draw: st.DrawFn, segments: Mapping[str, Any]) -> World:
    """A few customers with and without values, extras and orders."""
    as_of = draw(st.sampled_from(MOMENTS))
    times, ids = _times(as_of), [f"c{n}" for n in range(draw(st.integers(0, 4)))]
    people = st.fixed_dictionaries(
        {
            "country": _or_none(st.sampled_from(TEXTS)),
            "points": _or_none(st.sampled_from([0, 9, 10, 11, -5])),
            "spend": _or_none(_DECIMALS),
            "score": _or_none(_FLOATS),
            "vip": _or_none(st.booleans()),
            "born": _or_none(times.map(lambda moment: moment.date())),
            "seen": _or_none(times),
            "noted": _or_none(times.map(lambda moment: moment.replace(tzinfo=None))),
        }
    )
    extras = st.fixed_dictionaries(
        {
            "tier": _or_none(st.sampled_from(TEXTS)),
            "visits": _or_none(st.sampled_from([0, 9, 10, 11])),
            "order": _or_none(st.booleans()),
        }
    )
    order = {"order_datetime": _or_none(times), "purchase_channel": _CHANNELS}
    orders = st.fixed_dictionaries(
        {
            **order,
            "order_quantity": _or_none(st.sampled_from([0, 1, 2])),
            "order_revenue": _or_none(_DECIMALS),
        }
    )
    items = st.fixed_dictionaries(
        {
            **order,
            "order_id": st.sampled_from(["o1", "o2", "o3"]),
            "product_id": st.sampled_from(["p1", "p2", "p3"]),
            "item_revenue": _or_none(_DECIMALS),
            "is_return": _or_none(st.booleans()),
            "is_cancellation": st.sampled_from([None, None, False, True]),
        }
    )
    buyers = st.sampled_from([*ids, "nobody", None])
    tables = {
        "merged_customers": [{"amperity_id": each, **draw(people)} for each in ids],
        "extras": [{"amperity_id": each, **draw(extras)} for each in ids if draw(st.booleans())],
        "unified_transactions": [
            {"amperity_id": draw(buyers), "order_id": f"o{n}", **draw(orders)}
            for n in range(draw(st.integers(0, 5)))
        ],
        "unified_itemized_transactions": [
            {"amperity_id": draw(buyers), **draw(items)} for _ in range(draw(st.integers(0, 5)))
        ],
    }
    return World(tables, as_of, segments)


_BOUNDS = st.one_of(
    st.sampled_from([date(2026, 3, 1), date(2026, 3, 30), date(2024, 2, 28)]),
    st.sampled_from(["today", "yesterday"]),
    st.sampled_from([f"{span} ago" for span in SPANS]),
)
_DAYS = _BOUNDS.filter(lambda bound: not (isinstance(bound, str) and bound.endswith("ago")))
_PERIODS = st.one_of(
    st.just("yesterday"),
    st.sampled_from([f"in the last {span}" for span in SPANS]),
    st.sampled_from([f"more than {span} ago" for span in SPANS]),
    st.sampled_from([f"less than {span} ago" for span in SPANS]),
    st.builds(
        lambda word, bound: {word: bound},
        st.sampled_from(["before", "after", "on or before", "on or after"]),
        _BOUNDS,
    ),
    st.builds(lambda low, high: {"between": [low, high]}, _BOUNDS, _BOUNDS),
    st.builds(lambda day: {"on": day}, _DAYS),
)
_NUMBERS = st.sampled_from([0, 9, 10, 0.1, 9.99, 10.01, -5])
_COMPARED = ["greater than", "at least", "less than", "at most"]
_NUMBER_TESTS = st.one_of(
    st.builds(lambda word, than: {word: than}, st.sampled_from([*_COMPARED, "is"]), _NUMBERS),
    st.builds(lambda low, high: {"between": sorted([low, high])}, _NUMBERS, _NUMBERS),
    st.builds(lambda each: {"is in": each}, st.lists(_NUMBERS, max_size=3)),
    st.builds(
        lambda low, high: {"at least": low, "less than": high}, st.sampled_from([0, 9]), st.just(10.01)
    ),
)
_BLANKS = st.sampled_from(["is blank", "is not blank"])
_TEXT_TESTS = st.one_of(
    _BLANKS,
    st.builds(lambda word, text: {word: text}, st.sampled_from(["is", "is not"]), st.sampled_from(SOUGHT)),
    st.builds(
        lambda word, texts: {word: texts},
        st.sampled_from(["is in", "is not in"]),
        st.lists(st.sampled_from(SOUGHT), max_size=3),
    ),
    st.builds(
        lambda word, texts: {word: texts},
        st.sampled_from(["contains", "does not contain", "starts with", "ends with"]),
        st.one_of(st.sampled_from(SOUGHT), st.lists(st.sampled_from(SOUGHT), min_size=1, max_size=2)),
    ),
)
_TRUTHS = st.one_of(_BLANKS, st.sampled_from(["is true", "is false", "is not true", "is not false"]))
_FIELDS = st.one_of(
    st.tuples(st.sampled_from(["country", "tier", "extras.tier", "merged_customers.country"]), _TEXT_TESTS),
    st.tuples(
        st.sampled_from(["points", "spend", "score", "visits", "Extras.Visits"]),
        st.one_of(_BLANKS, _NUMBER_TESTS, st.builds(lambda each: {"is not": each}, _NUMBERS)),
    ),
    st.tuples(st.sampled_from(["vip", "order"]), _TRUTHS),
    st.tuples(st.sampled_from(["born", "seen", "noted"]), st.one_of(_BLANKS, _PERIODS)),
).map(lambda pair: {pair[0]: pair[1]})


def _count(test: Any) -> bool:
    """Whether some number of orders above 0 fits; others are refused."""
    than = test.get("is in", [test.get("is", 1)])
    return bool(than) and max(than) >= 1 and test.get("less than", 2) > 1 and test.get("at most", 1) >= 1


_PURCHASES = st.one_of(
    st.just("ever"),
    _PERIODS.filter(lambda period: isinstance(period, str)),
    st.fixed_dictionaries(
        {"when": _PERIODS},
        optional={
            "count": _NUMBER_TESTS.filter(_count),
            "amount": _NUMBER_TESTS,
            "channel": st.one_of(st.just("web"), st.lists(st.sampled_from(["web", "app"]), max_size=2)),
            "product": st.one_of(
                st.just("p1"), st.lists(st.sampled_from(["p1", "p2"]), min_size=1, max_size=2)
            ),
        },
    ),
)


def rules(known: list[str]) -> st.SearchStrategy[Any]:
    """Rules as YAML reads them; they may speak of the segments that are known already."""
    leaves = [
        _FIELDS,
        st.builds(
            lambda word, each: {word: each}, st.sampled_from(["purchased", "not purchased"]), _PURCHASES
        ),
    ]
    if known:
        leaves.append(
            st.builds(
                lambda word, name: {word: name},
                st.sampled_from(["in segment", "not in segment"]),
                st.sampled_from(known),
            )
        )
    return st.recursive(
        st.one_of(*leaves),
        lambda inner: st.one_of(
            st.builds(
                lambda word, each: {word: each},
                st.sampled_from(["all", "any"]),
                st.lists(inner, min_size=1, max_size=3),
            ),
            st.builds(lambda each: {"not": each}, inner),
            st.builds(lambda one, other: {**one, **other}, inner, inner),
        ),
        max_leaves=6,
    )
