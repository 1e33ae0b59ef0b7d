"""What is asked of plans of campaigns and audiences."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from braze_assets.plan.diff import Diff
from braze_assets.plan.facts import Facts
from braze_assets.plan.judging import Verdict
from braze_assets.plan.settings import AudienceMark
from braze_assets.storage import quote_identifier, quote_literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["emptied_audiences", "empty_audience", "launch", "overlap", "retired_only"]


def emptied_audiences(
    connection: "DuckDBPyConnection", diff: Diff, audiences: Mapping[str, AudienceMark]
) -> dict[str, int]:
    """The audiences that Braze knows members of, and the table does not: with the members they had."""
    asked = {name: mark for name, mark in audiences.items() if mark.attribute in diff.held_types}
    if diff.held is None or not asked:
        return {}
    counts = []
    for table, more in ((diff.held, "true"), (diff.rows, "_error IS NULL")):
        sums = ", ".join(f"count(*) FILTER ({_is_member(mark)})" for mark in asked.values())
        [row] = connection.sql(f"SELECT {sums} FROM {table} WHERE {more}").fetchall()
        counts.append(row)
    return {name: int(before) for name, before, now in zip(asked, *counts, strict=True) if before and not now}


def retired_only(attributes: Collection[str]) -> str:
    """SQL: an object is about nothing but audiences that are retired."""
    if not attributes:
        return "false"
    return f"list_has_all([{', '.join(map(quote_literal, attributes))}], attributes)"


def empty_audience(facts: Facts) -> Verdict:
    """No audience lost all its members at once."""
    found = ", ".join(f"`{name}` ({members:,} members before)" for name, members in facts.emptied.items())
    return Verdict(
        guard="empty_audience",
        passed=not facts.emptied,
        observed=", ".join(facts.emptied) or None,
        message=f"No members any more: {found}. An empty source is the usual cause: check the segments. "
        "If it is meant, waive the guard empty_audience for this plan, or retire the audience."
        if facts.emptied
        else "",
    )


def overlap(facts: Facts) -> Verdict:
    """No other sync of the destination writes the same attribute."""
    found = {
        attribute.name: facts.guards.taken[attribute.name]
        for attribute in facts.header.attributes
        if attribute.name in facts.guards.taken
    }
    shown = ", ".join(f"`{name}` (by {other})" for name, other in found.items())
    return Verdict(
        guard="overlap",
        passed=not found,
        observed=", ".join(found) or None,
        message=f"Written by another sync too: {shown}. Each would undo what the other one did. Rename one, "
        "or give one of them `owns` with the attribute: the other does not send it then."
        if found
        else "",
    )


def launch(facts: Facts) -> Verdict:
    """Nothing is sent for a day outside of start and end, and what is sent once was not sent before."""
    if facts.launched is not None:
        return Verdict(
            guard="launch",
            passed=False,
            observed=facts.launched,
            message=f"The campaign is sent once only, and it was {facts.launched}. For another launch make "
            "another campaign.",
        )
    if facts.guards.period is None:
        return Verdict(guard="launch", passed=True)
    first, last = facts.guards.period
    # The end of a day is the first instant of the next one.
    day = (facts.header.as_of - timedelta(microseconds=1)).date()
    passed = first <= day and (last is None or day <= last)
    until = f"to {last}" if last else "on"
    return Verdict(
        guard="launch",
        passed=passed,
        observed=str(day),
        limit=f"{first} {until}",
        message="" if passed else f"{day} is outside of the campaign, which is from {first} {until}.",
    )


def _is_member(mark: AudienceMark) -> str:
    column = quote_identifier(mark.attribute)
    if mark.item is None:
        return f"{column} IS TRUE"
    return f"list_contains({column}, {quote_literal(mark.item)})"
