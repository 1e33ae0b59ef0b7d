"""Which plans of a run's partitions are sent, and in which order."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from braze_assets.errors import BrazeAssetsError, LedgerMovedError, PlanError
from braze_assets.ledger import Ledger
from braze_assets.plan import PlanHeader, read_plan_header
from braze_assets.storage import StoredTable
from braze_assets.storage.partitions import PartitionedTable

if TYPE_CHECKING:
    from braze_assets.delivery import SendReport

__all__ = ["Deliveries"]


@dataclass(frozen=True, kw_only=True)
class Deliveries:
    """The sends of one run, partition after partition.

    Args:
        plans: The stored plans.
        keys: The partitions of the run, in order.
        ledger: The sync's ledger.
        send: Sends a stored plan.
        remake: Makes a foreseen plan again, against the ledger as it is, and stores it in its place.
        preview: Nothing is sent, so the ledger does not move and foreseen plans stay what they are.
    """

    plans: PartitionedTable
    keys: Sequence[str | None]
    ledger: Ledger
    send: Callable[[StoredTable], "SendReport"]
    remake: Callable[[PlanHeader, StoredTable], PlanHeader]
    preview: bool

    def run(self) -> Iterator[tuple[str | None, "SendReport"]]:
        """Each partition with what came of it, as soon as that is known. Ends early when cancelled.

        Raises:
            BrazeAssetsError: What `send` raises; in a replay it says which partitions were done.
            PlanError: A foreseen plan follows one that was not sent.
            LedgerMovedError: Another run moved the ledger in the middle of a replay.
        """
        headers = {
            key: read_plan_header(table) for key in self.keys if (table := self._existing(key)) is not None
        }
        if any(header.follows is not None for header in headers.values()):
            yield from self._replay({key: read_plan_header(self.plans.existing(key)) for key in self.keys})
        else:
            yield from self._newest(headers)

    def _existing(self, key: str | None) -> StoredTable | None:
        """The plan of a partition; only the last one must be there: it may cover the others."""
        if key == self.keys[-1]:
            return self.plans.existing(key)
        table = self.plans[key or ""]
        return table if table.exists() else None

    def _newest(self, headers: Mapping[str | None, PlanHeader]) -> Iterator[tuple[str | None, "SendReport"]]:
        """The last plan that was not collapsed into a later one; it covers what comes before it."""
        own = [key for key in self.keys if key in headers and headers[key].status != "collapsed"]
        newest = own[-1] if own else self.keys[-1]
        report = self.send(self.plans.existing(newest))
        for key in self.keys:
            if key == newest:
                yield key, report
            elif report.state != "cancelled":
                header = headers.get(key)
                silent = header is not None and header.status in ("collapsed", "stale")
                note = header.note if header and silent else f"Not sent: the plan of {newest} covers it."
                yield key, _nothing(report, note, header)

    def _replay(self, headers: Mapping[str | None, PlanHeader]) -> Iterator[tuple[str | None, "SendReport"]]:
        """Every plan in order, each made again once the one before it was sent."""
        started, sequence = self._started(headers)
        done: list[str] = []
        last: SendReport | None = None
        for number, (key, header) in enumerate(headers.items()):
            plan = self.plans.existing(key)
            try:
                if number < started:
                    report = _nothing(last, header.note or "Sent by an earlier run.", header)
                elif self.preview:
                    report = self.send(plan)
                else:
                    if number > started or header.follows is not None:
                        header = self._again(header, plan, sequence)
                    report = self.send(StoredTable(plan.uris))  # opened anew: it may have been replaced
                    sequence = self.ledger.position().sequence
            except BrazeAssetsError as error:
                error.cause += self._progress(done, key)
                raise
            yield key, report
            if report.state == "cancelled":
                return
            done.append(str(key))
            last = report

    def _started(self, headers: Mapping[str | None, PlanHeader]) -> tuple[int, int]:
        """The number of the first partition to be sent, and the ledger's step it is sent at."""
        position = self.ledger.position()
        for number, header in enumerate(headers.values()):
            if header.plan_id == position.plan_id:
                return number, position.sequence  # An earlier run came this far: it may have to be resumed.
        first, header = next(
            (number, header) for number, header in enumerate(headers.values()) if header.status != "stale"
        )
        if header.follows is not None and not self.preview and position.partition != header.follows:
            raise PlanError(
                f"The plan of {header.partition} was foreseen to follow the one of {header.follows}, but the "
                f"ledger stands at {position.partition or 'no partition yet'}.",
                place=f"{header.sync}_delta, partition {header.partition}",
                remedy=f"Send the range from {header.follows} on, or make the plan of this partition again.",
            )
        return first, position.sequence

    def _again(self, header: PlanHeader, plan: StoredTable, sequence: int) -> PlanHeader:
        made = self.remake(header, plan)
        if made.ledger_position != sequence:
            raise LedgerMovedError(
                f"Another run moved the ledger (to step {made.ledger_position}) between two partitions of "
                "this replay.",
                place=self.ledger.uri,
                remedy="Let that run finish. Then make the plans of the rest of the range again and send "
                "them; keep the sync's pool limit at 1 so that two runs do not meet.",
            )
        return made

    def _progress(self, done: Sequence[str], key: str | None) -> str:
        before = f"{done[0]} to {done[-1]} ({len(done):,} partitions) are done" if done else "None is done"
        return f"\nThe replay stopped at partition {key}. {before}; run it again to go on from here."


def _nothing(like: "SendReport | None", note: str, header: PlanHeader | None) -> "SendReport":
    from braze_assets.delivery import SendReport

    report = SendReport(state="nothing", note=note, plan_id=header.plan_id if header else "")
    return replace(report, mode=like.mode) if like else report
