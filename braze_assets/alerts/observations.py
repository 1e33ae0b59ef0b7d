"""What is seen of a flow: it sent, a run of it failed, its table was made."""

from dataclasses import dataclass
from datetime import datetime

__all__ = ["Counted", "Failed", "Observation", "Sent"]


@dataclass(frozen=True, kw_only=True)
class Observation:
    """Something that happened to a flow."""

    order: int
    """Grows with every event of the event log."""
    time: datetime
    run: str
    partition: str | None = None
    """None without partitions."""

    @property
    def trigger(self) -> str:
        """Names it, whenever it is looked at."""
        return f"{type(self).__name__}:{self.run}:{self.partition or ''}"


@dataclass(frozen=True, kw_only=True)
class Sent(Observation):
    """A send came to its end, of one partition; a preview too."""

    objects: int = 0
    """What it was about: 0 where there was nothing to send."""
    rejected: int = 0
    attempted: bool = True
    """Whether it says anything of rejections; a preview does not."""
    rows: int | None = None
    """Of the table, where the send tells that too."""


@dataclass(frozen=True, kw_only=True)
class Failed(Observation):
    """A run that should have sent failed before it had."""

    because: str = ""
    """Without personal data."""


@dataclass(frozen=True, kw_only=True)
class Counted(Observation):
    """The table was made."""

    rows: int
