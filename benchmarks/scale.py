"""How much is measured."""

from dataclasses import dataclass

__all__ = ["FULL", "QUICK", "Scale"]


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The sizes of all cases; the defaults are those the goals are for."""

    users: int = 5_000_000
    """Rows of the plan and the fold."""
    sent_users: int = 300_000
    """Users of the delivery."""
    limit_users: tuple[int, ...] = (1_000_000, 5_000_000)
    """Users of the deliveries at the documented limit. The goal of its pace is for the last: what comes
    before the first request and after the last one weighs less in a longer send."""
    quiet_users: int = 1_000_000
    """Users of a day on which nothing changed."""
    many_users: int = 50_000_000
    """Rows of the plan that shows how time and memory grow; 0 to leave that out."""
    events: int = 500_000
    """Events of one hour of Currents."""
    small_files: int = 1_000
    """Files of an hour of Currents on S3."""
    csv_rows: int = 1_000_000
    """Rows of a CSV file on S3."""
    customers: int = 5_000_000
    """Customers of the sample."""
    seconds: float = 5.0
    """How long the emulator is loaded."""
    repeats: int = 2
    """Times something that takes seconds is run, ours and the baseline in turn; the fastest counts."""
    starts: int = 5
    """Processes started to see how long loading takes."""


FULL = Scale()
QUICK = Scale(
    users=200_000,
    sent_users=30_000,
    limit_users=(60_000,),
    quiet_users=50_000,
    many_users=0,
    events=50_000,
    small_files=50,
    csv_rows=30_000,
    customers=100_000,
    seconds=1.5,
    repeats=1,
    starts=2,
)
