"""The promises, held against what the local Braze saw and what the ledger says; plain dictionaries."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from braze_assets_tests.chaos.model import Cell, same

_CONTROL = ("external_id", "_update_existing_only")

Applied = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Sent:
    """One value that reached a profile: of which plan, and whether the sender was told so."""

    plan: str
    cell: Cell
    value: Any
    heard: bool


def values_sent(applied: Applied) -> Iterator[Sent]:
    """Every value, in the order in which they took effect."""
    for request in applied:
        plan = json.loads(request["body"]).get("plan", "")
        for item in request["attributes"]:
            for name, value in item.items():
                if name not in _CONTROL:
                    yield Sent(plan, (item["external_id"], name), value, request["heard"])


def ranks(journal: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Plans in the order in which they were begun first."""
    order: dict[str, int] = {}
    for entry in journal:
        order.setdefault(entry["plan_id"], len(order))
    return order


def stale(applied: Applied, order: Mapping[str, int]) -> Iterator[str]:
    """Values of an older plan that took effect after those of a newer one, and requests of no begun plan."""
    newest: dict[Cell, Sent] = {}
    for sent in values_sent(applied):
        if sent.plan not in order:
            yield f"a request of plan {sent.plan}, which was never begun"
            continue
        last = newest.get(sent.cell)
        if last is None or order[last.plan] <= order[sent.plan]:
            newest[sent.cell] = sent
        elif not same(last.value, sent.value):
            yield f"{sent.cell}: {sent.value!r} of plan {sent.plan} after {last.value!r} of {last.plan}"


@dataclass(frozen=True)
class Doubt:
    """After a crash or a failure: what of the last begun plan had no definite receipt."""

    plan: str
    cells: frozenset[Cell] | None
    """None: any, for all that is known. So it is with a plan that another process overtook."""


def again(
    applied: Applied, order: Mapping[str, int], doubts: Sequence[Doubt], exempt: set[str], retyped: set[str]
) -> tuple[int, list[str]]:
    """Values that Braze had acknowledged and got again: how many with a reason, and those without.

    Args:
        applied: What took effect.
        order: The plans' ranks.
        doubts: What was open after each crash.
        exempt: Plans whose sender may have given up on replies that were on their way.
        retyped: Attributes whose type changed: they start afresh.
    """
    excused, wrong = 0, []
    last: dict[Cell, Sent] = {}
    # In the order in which they came, which need not be the one in which they took effect.
    for sent in values_sent(sorted(applied, key=lambda request: int(request["number"]))):
        before = last.get(sent.cell)
        if before is not None and before.heard and same(before.value, sent.value):
            span = range(order.get(before.plan, 0), order.get(sent.plan, 0) + 1)
            open_then = any(
                order.get(doubt.plan, -1) in span and (doubt.cells is None or sent.cell in doubt.cells)
                for doubt in doubts
            )
            if open_then or before.plan in exempt or sent.cell[1] in retyped:
                excused += 1
            else:
                wrong.append(
                    f"{sent.cell}: {sent.value!r} again in plan {sent.plan}; acknowledged in {before.plan}"
                )
        last[sent.cell] = sent
    return excused, wrong


def ledger(held: Mapping[str, Any], profiles: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Where the ledger claims to know what Braze holds, and Braze holds something else."""
    for user in sorted({*held, *profiles}):
        row = held.get(user, {"values": {}, "unknown": []})
        profile = profiles.get(user, {})
        for name in sorted({*row["values"], *profile}):
            if name not in row["unknown"] and not same(row["values"].get(name), profile.get(name)):
                claim, holds = row["values"].get(name), profile.get(name)
                yield f"the ledger says {user!r} holds {name} = {claim!r}; Braze holds {holds!r}"


def receipts(rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    """An object has one outcome: never both accepted and rejected."""
    outcomes: dict[tuple[str, int], set[str]] = {}
    for plan, n, _, outcome in rows:
        outcomes.setdefault((plan, n), set()).add(outcome)
    for (plan, n), found in outcomes.items():
        if {"accepted", "rejected"} <= found:
            yield f"object {n} of plan {plan} has two outcomes: {', '.join(sorted(found))}"


def report(figures: Mapping[str, Any], *, finished: bool) -> Iterator[str]:
    """processed + rejected + unknown = sent."""
    parts = [figures[name] for name in ("accepted", "rejected", "unknown", "not_sent")]
    if figures["state"] == "sent" and sum(parts) != figures["objects"]:
        yield f"{parts} do not add up to {figures['objects']}"
    if figures["state"] == "sent" and finished and figures["not_sent"]:
        yield f"{figures['not_sent']} objects were not sent, and no error was raised"
