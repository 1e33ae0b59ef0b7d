"""Unified_Loyalty: members of the loyalty program, their points and tiers."""

from datetime import date

from braze_assets.customer_360.contacts import contacts_sql
from braze_assets.customer_360.draws import Draws
from braze_assets.customer_360.sample_table import SampleTable
from braze_assets.customer_360.settings import SampleSettings

__all__ = ["TIERS", "UNIFIED_LOYALTY"]

TIERS = (("Bronze", 0), ("Silver", 250), ("Gold", 600), ("Platinum", 1200))
"""The tiers, and the lifetime points each begins at."""


def _query(settings: SampleSettings, day: date) -> str:
    draws = Draws(settings.seed)
    start = f"DATE '{settings.start}'"
    # Points come with orders, and now and then without one: for a review, or a birthday.
    extra = draws.version("points", 400, settings.day_number(day))
    consent = draws.version("loyalty consent", 700, settings.day_number(day))
    return f"""
    SELECT
        amperity_id,
        loyalty_id,
        email,
        {_by_points([(f"'{tier}'", points) for tier, points in TIERS])} AS current_tier,
        {_by_points(_next("'{tier}'"))} AS next_tier,
        lifetime_balance - redeemed AS current_balance,
        lifetime_balance,
        {_by_points(_next("{points} - lifetime_balance"))}::DECIMAL(18,2) AS spend_to_next_tier,
        {draws.chance("loyalty opted in", 0.9, f"(i * 4096 + {consent.number})")} AS is_opted_in,
        CASE WHEN is_opted_in THEN make_timestamptz(epoch_us({start}) + 86400000000
            * CASE WHEN {consent.number} > 0 THEN greatest({consent.changed_on}, loyalty_changed_on)
                ELSE loyalty_changed_on END + 43200000000) END AS latest_opted_in_datetime
    FROM (
        SELECT
            *,
            100 + orders * (20 + {draws.whole("points an order", 180)}) + 25 * {extra.number}
                AS lifetime_balance,
            lifetime_balance * {draws.whole("redeemed", 4)} // 4 AS redeemed
        FROM ({contacts_sql(settings, day)})
        WHERE loyalty_id IS NOT NULL
    )
    """


def _next(template: str) -> list[tuple[str, int]]:
    """For the members of each tier, something about the tier above it."""
    above = [*TIERS[1:], None]
    return [
        ("NULL" if up is None else template.format(tier=up[0], points=up[1]), points)
        for (_, points), up in zip(TIERS, above, strict=True)
    ]


def _by_points(values: list[tuple[str, int]]) -> str:
    whens = " ".join(f"WHEN lifetime_balance >= {points} THEN {value}" for value, points in reversed(values))
    return f"CASE {whens} END"


UNIFIED_LOYALTY = SampleTable(
    name="unified_loyalty",
    description="One row a member of the loyalty program: points and tier.",
    columns=(
        ("amperity_id", "VARCHAR", "The person."),
        ("loyalty_id", "VARCHAR", "The membership's number."),
        ("email", "VARCHAR", "The e-mail address of the membership."),
        ("current_tier", "VARCHAR", "Bronze, Silver, Gold or Platinum."),
        ("next_tier", "VARCHAR", "The tier above, null at the top."),
        ("current_balance", "BIGINT", "Points that can be spent."),
        ("lifetime_balance", "BIGINT", "Points ever earned."),
        ("spend_to_next_tier", "DECIMAL(18,2)", "What is missing to the tier above, null at the top."),
        ("is_opted_in", "BOOLEAN", "Whether the member agreed to hear from the program."),
        ("latest_opted_in_datetime", "TIMESTAMP WITH TIME ZONE", "When they last agreed."),
    ),
    key=("amperity_id",),
    query=_query,
)
