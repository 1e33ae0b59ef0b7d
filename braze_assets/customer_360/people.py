"""The people behind the sample: who there is on a day, and how often each has ordered.

The customers are numbered. What is asked of number `i` on day `d` is computed from these two alone, so the
days need not be made in order. Days are counted from the start of the sample; days before it are negative.
"""

from datetime import date
from itertools import pairwise

from braze_assets.customer_360.draws import Draws, zero_filled
from braze_assets.customer_360.settings import SampleSettings
from braze_assets.customer_360.vocabulary import COUNTRIES

__all__ = ["PLANTED", "order_day", "people_sql"]

PLANTED = 100
"""Customers below this number never leave: some carry the dirt that every sample must have."""

_LEAVE_AFTER_DAYS = 5_000  # on average, which is 0.02 % a day
_PIECES = 8
_ORDERS = 64  # room for the orders of one customer in an order's number, `i * 64 + k`


def people_sql(settings: SampleSettings, day: date) -> str:
    """One row for each customer there is at the end of a day.

    Columns: `i`; `amperity_id`; `customer_id`, the number in the shop's own system; `country`, an index into
    `COUNTRIES`; `created_on` and `first_order_on` (null for who never buys), as day numbers;
    `order_interval` in days; `orders`, how many were placed so far.
    """
    draws = Draws(settings.seed)
    today = settings.day_number(day)
    first = settings.customers
    countries = [index for index, country in enumerate(COUNTRIES) for _ in range(country.weight)]
    return f"""
    SELECT
        *,
        md5('{settings.seed}/' || i)::UUID::VARCHAR AS amperity_id,
        CASE WHEN i >= {PLANTED} AND {draws.chance("old number", 0.1)} THEN {zero_filled("i", 10)}
            ELSE 'C' || {zero_filled("i", 7)} END AS customer_id,
        {_orders_placed(draws, today)} AS orders
    FROM (
        SELECT
            *,
            CASE
                WHEN {draws.chance("buys at once", 0.35)} THEN created_on
                WHEN {draws.chance("buys later", 0.60)} THEN created_on + {draws.wait("first order", 120)}
            END AS first_order_on,
            10 + floor(pow({draws.unit("order interval")}, 2) * 290)::BIGINT AS order_interval
        FROM (
            SELECT
                i,
                CASE WHEN i < {first} THEN -{draws.whole("created", settings.history_days)} ELSE joined_on END
                    AS created_on,
                {countries}[1 + {draws.whole("country", 100)}] AS country
            FROM (
                -- Customer number `first + n` is the n-th to join.
                SELECT
                    range AS i,
                    CASE WHEN range < {first} THEN 0
                        ELSE ((range - {first} + 1) * 1000 + {first} - 1) // {first} END AS joined_on
                FROM ({_numbers(settings.joined(day))})
            )
            WHERE i < {PLANTED} OR {today} <= joined_on + {draws.wait("leave", _LEAVE_AFTER_DAYS)}
        )
    )
    """


def _numbers(count: int) -> str:
    """The numbers from 0, in pieces: DuckDB reads one range on one thread, and several side by side."""
    ends = [count * piece // _PIECES for piece in range(_PIECES + 1)]
    return " UNION ALL ".join(f"FROM range({a}, {b})" for a, b in pairwise(ends))


def order_day(draws: Draws, k: str) -> str:
    """The day number of a customer's order `k`, counted from 0.

    The first is on its day; after it, every interval has one order, on a random day of it.
    """
    later = f"(({k}) - 1) * order_interval + 1 + {_moment(draws, f'({k}) - 1')}"
    return f"(first_order_on + CASE WHEN {k} = 0 THEN 0 ELSE {later} END)"


def _moment(draws: Draws, interval: str) -> str:
    return draws.whole("order day", "order_interval", f"(i * {_ORDERS} + {interval})")


def _orders_placed(draws: Draws, today: int) -> str:
    # The same rule turned round: all whole intervals since the first order, and perhaps the current one.
    since = f"({today} - first_order_on)"
    interval = f"({since} // order_interval)"
    current = f"({since} % order_interval > {_moment(draws, interval)})::BIGINT"
    return f"""CASE WHEN first_order_on <= {today}
            THEN 1 + least({_repeat_orders(draws)}, {interval} + {current}) ELSE 0 END"""


def _repeat_orders(draws: Draws) -> str:
    """How many orders a customer ever places after the first."""
    share = draws.whole("loyalty", 100)
    return f"""CASE WHEN {share} < 60 THEN 0 WHEN {share} < 82 THEN 1 WHEN {share} < 94 THEN 2 + {share} % 2
            ELSE 4 + {draws.whole("many orders", 6)} END"""
