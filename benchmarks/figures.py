"""One line of the results."""

from dataclasses import dataclass

__all__ = ["Figure", "number"]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Something measured, beside the same thing measured of a baseline.

    Args:
        case: The benchmark.
        what: What was measured, and of what size.
        value: Ours.
        unit: The unit of both numbers.
        baseline: The baseline's.
        beside: What the baseline is.
        goal: What is aimed at, in words; empty where there is no goal.
        met: Whether the goal is met; None without a goal, or at a size the goal is not for.
        note: What else should be known.
    """

    case: str
    what: str
    value: float
    unit: str
    baseline: float
    beside: str
    goal: str = ""
    met: bool | None = None
    note: str = ""

    @property
    def ratio(self) -> float:
        """Ours by the baseline's."""
        return self.value / self.baseline if self.baseline else float("nan")

    @property
    def verdict(self) -> str:
        """The goal, and whether it is met."""
        if not self.goal:
            return ""
        return self.goal if self.met is None else f"{self.goal}: {'met' if self.met else 'missed'}"


def number(value: float) -> str:
    """Three digits or so, for people."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
