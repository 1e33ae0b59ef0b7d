"""What a guard is, and how guards judge a plan: the same for plans of all kinds."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from braze_assets.errors import ConfigurationError

__all__ = ["Guard", "Verdict", "budget_verdict", "check_guard_names", "judge"]

Facts = TypeVar("Facts")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What one guard found.

    A guard that neither passed nor was allowed blocks the plan. `message` says cause, figures and remedy.
    """

    guard: str
    passed: bool
    allowed: bool = False
    observed: str | float | None = None
    limit: str | float | None = None
    message: str = ""


@dataclass(frozen=True)
class Guard(Generic[Facts]):
    """One guard: its name, what it is for, and how it judges."""

    name: str
    description: str
    judge: Callable[[Facts], Verdict]


def judge(guards: Sequence[Guard[Facts]], facts: Facts, allow: Collection[str]) -> tuple[Verdict, ...]:
    """The verdicts of all guards.

    Args:
        guards: The guards, in the order of their verdicts.
        facts: What was found.
        allow: Guards waived for this one plan; the verdict says so.
    """
    verdicts = [guard.judge(facts) for guard in guards]
    return tuple(
        replace(each, allowed=True) if each.guard in allow and not each.passed else each for each in verdicts
    )


def check_guard_names(guards: Sequence[Guard[Facts]], allow: Collection[str]) -> None:
    """Refuse to waive what does not exist.

    Raises:
        ConfigurationError: A name is not a guard.
    """
    names = [guard.name for guard in guards]
    unknown = sorted(set(allow) - set(names))
    if unknown:
        raise ConfigurationError(
            f"There is no guard named {', '.join(unknown)}.",
            place="allow",
            remedy=f"The guards are {', '.join(names)}.",
        )


def budget_verdict(points: int, budget: int | None, *, fewer: str) -> Verdict:
    """The verdict of the guard `data_point_budget`; `fewer` is what to send fewer of."""
    passed = budget is None or points <= budget
    return Verdict(
        guard="data_point_budget",
        passed=passed,
        observed=points,
        limit=budget,
        message=""
        if passed
        else f"The plan costs {points:,} data points; the budget is {budget:,}. Send fewer {fewer}, or raise "
        "guards.data_point_budget.",
    )
