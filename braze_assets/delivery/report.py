"""What a send did, in figures: fit for metadata and logs, as nothing in it names a person."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from braze_assets.braze.redaction import impersonal
from braze_assets.delivery.outcomes import Settled
from braze_assets.errors import DeliveryError

__all__ = ["Delivered", "ReasonCount", "SendReport", "Stopwatch", "Tally"]

_REASONS = 10
_DIFFERENT_REASONS = 1_000

SendState = Literal["sent", "nothing", "preview", "cancelled"]


class ReasonCount(NamedTuple):
    """Why objects were rejected or left unknown, and how many."""

    reason: str
    objects: int


@dataclass(frozen=True, kw_only=True)
class SendReport:
    """What a send did."""

    state: SendState
    """`nothing`: the plan held nothing to send. `preview`: nothing was meant to be sent. `cancelled`: stopped
    half-way on request; what was sent is recorded, the rest is sent by the next run."""
    mode: str = "live"
    plan_id: str = ""
    note: str = ""
    """The plan's own note, or why nothing was sent."""
    planned: int = 0
    """Objects in the plan."""
    objects: int = 0
    """Objects to be sent now: accepted + rejected + unknown + not_sent. Fewer than planned in a test, and
    when a plan is resumed."""
    accepted: int = 0
    rejected: int = 0
    unknown: int = 0
    """Braze may or may not have taken them. They are sent again by the next plan."""
    not_sent: int = 0
    requests: int = 0
    retries: int = 0
    """Requests that carried what an earlier one had carried already."""
    bisections: int = 0
    """Times a batch was cut in two to find an object that spoils it."""
    search_requests: int = 0
    """Requests that this took: for k such objects among m at most 2 x (the sum of min(2^i, k) over the
    ceil(log2 m) rounds i), so 14 for one among 75; and up to 3 attempts of each where Braze answers 5xx."""
    splits: int = 0
    """Batches cut in two because Braze found them too large."""
    throttled: int = 0
    """Replies with 429."""
    limited_seconds: float = 0.0
    """Time in which the rate limit, the setting's or Braze's, was what the send waited for."""
    data_points: int = 0
    """Of the accepted objects, for contracts that count them."""
    seconds: float = 0.0
    """From the first request to the last outcome."""
    settling_seconds: float = 0.0
    """Waited before the first request, for the last send to settle."""
    in_flight: int = 0
    """Requests in flight at most."""
    reasons: tuple[ReasonCount, ...] = ()
    """The most frequent ones, without personal data."""

    @property
    def objects_per_second(self) -> float:
        """Objects with an outcome per second."""
        return (self.objects - self.not_sent) / self.seconds if self.seconds > 0 else 0.0

    def summary(self) -> str:
        """One line."""
        if self.state in ("nothing", "preview"):
            return self.note or "Nothing was sent."
        parts = [f"{self.accepted:,} of {self.objects:,} objects accepted"]
        parts += [f"{self.rejected:,} rejected"] if self.rejected else []
        parts += [f"{self.unknown:,} with unknown outcome"] if self.unknown else []
        parts += [f"{self.not_sent:,} not sent"] if self.not_sent else []
        return f"{', '.join(parts)}; {self.requests:,} requests in {self.seconds:.1f} s"

    def figures(self) -> dict[str, Any]:
        """Everything but the reasons, as plain values by name."""
        names = (
            "state mode plan_id planned objects accepted rejected unknown not_sent requests retries "
            "bisections search_requests splits throttled limited_seconds data_points seconds "
            "settling_seconds in_flight objects_per_second"
        )
        values = {name: getattr(self, name) for name in names.split()}
        rounded = {name: round(value, 3) for name, value in values.items() if isinstance(value, float)}
        return {**values, **rounded, "summary": self.summary()}


class Stopwatch:
    """Sums the time in which something is so."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._since: float | None = None

    def set(self, running: bool, now: float) -> None:
        """From now on it is so, or not."""
        if self._since is not None:
            self.seconds += now - self._since
        self._since = now if running else None


@dataclass
class Tally:
    """Counts while sending."""

    accepted: int = 0
    rejected: int = 0
    unknown: int = 0
    requests: int = 0
    retries: int = 0
    bisections: int = 0
    search_requests: int = 0
    splits: int = 0
    throttled: int = 0
    limited: Stopwatch = field(default_factory=Stopwatch)
    data_points: int = 0
    seconds: float = 0.0
    in_flight: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def done(self) -> int:
        """Objects with an outcome."""
        return self.accepted + self.rejected + self.unknown

    def settle(self, settled: Settled) -> None:
        """Count the objects of a batch, and why they were not taken."""
        objects, rejected = settled.rows.num_rows, len(settled.rejected)
        if settled.outcome == "accepted":
            self.accepted += objects - rejected
            if settled.points:
                refused = sum(settled.points[index] for index in settled.rejected)
                self.data_points += sum(settled.points) - refused
        elif settled.outcome == "rejected":
            rejected = objects
        else:
            self.unknown += objects
        self.rejected += rejected
        if rejected:
            identifiers, texts = settled.rows.column("identifier"), settled.rows.column("object")
            for index in range(objects):
                reason = settled.rejected.get(index) or (
                    settled.reason if settled.outcome == "rejected" else None
                )
                if reason:
                    said = impersonal(reason, identifiers[index].as_py(), objects=[texts[index].as_py()])
                    self._because(said, 1)
        elif settled.reason:
            self._because(
                impersonal(settled.reason, objects=settled.rows.column("object").to_pylist()), objects
            )

    def _because(self, reason: str, objects: int) -> None:
        if reason not in self.reasons and len(self.reasons) >= _DIFFERENT_REASONS:
            reason = "other reasons"
        self.reasons[reason] += objects

    def report(self, *, state: SendState, objects: int, **more: Any) -> SendReport:
        """The finished report; `more` are fields that are not counted here."""
        counted = (
            "accepted rejected unknown requests retries bisections search_requests splits throttled "
            "data_points seconds in_flight"
        )
        return SendReport(
            state=state,
            objects=objects,
            not_sent=max(0, objects - self.done),
            limited_seconds=self.limited.seconds,
            reasons=tuple(ReasonCount(reason, count) for reason, count in self.reasons.most_common(_REASONS)),
            **{name: getattr(self, name) for name in counted.split()},
            **more,
        )


@dataclass(frozen=True)
class Delivered:
    """How a pipeline ended."""

    tally: Tally
    cancelled: bool
    failure: DeliveryError | None
    """Why it stopped early; what had been sent by then is in the tally and in the journal."""
