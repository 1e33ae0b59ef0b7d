"""What ledgers of all kinds have in common: the journal with its fence, the receipts, the plans kept."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from braze_assets.errors import LedgerError, LedgerMovedError, StorageError
from braze_assets.ledger.delta import CommitConflict
from braze_assets.ledger.journal import Entry, FoldResult, Journal, JournalState
from braze_assets.ledger.kept import KeptPlans
from braze_assets.ledger.receipts import Receipts
from braze_assets.storage import Storage

__all__ = ["ATTEMPTS", "BaseLedger"]

ATTEMPTS = 8
"""How often a step is tried again when another run's came first."""


class BaseLedger:
    """The ledger of one sync under `<storage>/ledger/<sync>/<kind>/`.

    Args:
        storage: Where.
        sync: The sync's name.
        kind: What the sync's ledgers are told apart by.
    """

    def __init__(self, storage: Storage, sync: str, kind: str) -> None:
        self.storage = storage
        self.sync = sync
        self.uri = storage.uri("ledger", sync, kind)
        self.journal = Journal(storage, f"{self.uri}/sends")
        self.receipts = Receipts(storage, f"{self.uri}/receipts")
        self.kept = KeptPlans(storage, f"{self.uri}/plans")

    def check_fence(self, sequence: int) -> None:
        """Raise if another run has taken over from the send that began at this step.

        Raises:
            LedgerMovedError: It has. Stop sending.
        """
        fence = self.journal.fence()
        if fence != sequence:
            raise LedgerMovedError(
                f"Another run began a send of this sync (step {fence}) while this one (step {sequence}) "
                "was still going on.",
                place=self.uri,
                remedy="Let that run finish; what this one left open is taken up by the next plan. Keep "
                "the sync's pool limit at 1 so that two runs do not meet.",
            )

    def _fold_begun(
        self,
        fold: Callable[[JournalState, Entry], tuple[FoldResult | None, int]],
        now: datetime,
        sequence: int | None,
    ) -> FoldResult:
        """Fold the last begun plan and write that into the journal.

        Args:
            fold: Folds it and counts its receipts; gives no result where the journal has moved meanwhile.
            now: The current time.
            sequence: Do so only while this is the fence: the send's own run says so. Another run settles.

        Raises:
            LedgerMovedError: It is not the fence any more.
        """
        for _ in range(ATTEMPTS):
            state = self.journal.read()
            begun = state.begun
            if begun is None or state.fence != (begun.sequence if sequence is None else sequence):
                raise LedgerMovedError(
                    "Another run began a send of this sync.",
                    place=self.uri,
                    remedy="Let that run finish.",
                )
            try:
                result, receipts = fold(state, begun)
                if result is None:
                    continue
                folded = replace(
                    begun,
                    sequence=state.sequence + 1,
                    state="folded" if sequence is not None else "settled",
                    accepted=result.accepted,
                    rejected=result.rejected,
                    unknown=result.unknown,
                    receipts=receipts,
                    time=now,
                )
                self.journal.append(state, folded)
            except CommitConflict:
                continue
            except (LedgerError, StorageError):
                if self.journal.read().sequence == state.sequence:
                    raise
                continue  # Who began another plan has removed the one that was being folded.
            return result
        raise self._contended()

    def _tidy(self, plan_id: str) -> None:
        """Best effort: a send does not fail because an old file could not be removed."""
        try:
            self.kept.drop_others(plan_id)
            self._compact()
        except (LedgerError, CommitConflict, OSError):
            return

    def _compact(self) -> None:
        self.journal.compact(self.journal.read())

    def _contended(self) -> LedgerMovedError:
        return LedgerMovedError(
            f"Other runs moved the ledger {ATTEMPTS} times while this one tried to.",
            place=self.uri,
            remedy="Let them finish and run this one again.",
        )
