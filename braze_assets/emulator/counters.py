"""What a local Braze has seen so far."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Counters"]


@dataclass
class Counters:
    """Sums since the start or the last reset. Objects are attributes, events and purchases together."""

    requests: int = 0
    objects: int = 0
    accepted: int = 0
    rejected: int = 0
    rate_limited: int = 0
    data_points: int = 0
    faults: int = 0
    overlapping: int = 0
    """Objects accepted while an earlier one for the same user was in the air: not applied yet, or its answer
    still under way. Braze may apply such a pair in either order. A repeated request counts too."""
    paths: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    """Answers by status; a request that got no answer counts as 0."""

    def document(self) -> dict[str, Any]:
        """As the control API shows it."""
        sums = {name: value for name, value in vars(self).items() if isinstance(value, int)}
        return {
            **sums,
            "paths": dict(self.paths),
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
        }
