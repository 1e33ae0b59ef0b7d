"""A fold that is prepared while its send goes on, so that little is left to do at its end.

What stays as it is, and what becomes of objects that have their outcomes, is written to new files of
`acknowledged` as the receipts come. Nothing of that counts before the commit at the end. It is used only if
it was made from the version of the table that is there then, and from exactly the receipts that are there
then; else it is thrown away, and the fold is made from the start.
"""

import os
import threading
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from braze_assets.ledger.fold import Fold, lean
from braze_assets.ledger.journal import FoldResult
from braze_assets.ledger.rewrite import Rewrite
from braze_assets.ledger.schemas import OUTCOMES, PLAN_KEY
from braze_assets.storage import EngineSettings, connect

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from braze_assets.ledger.send import Send

__all__ = ["FoldAhead"]

_WORTH = 50_000
"""Objects; folding fewer takes no time worth saving."""
_PART = 20_480
"""Objects written at a time, at least."""
_MOST = 491_520
_SHARE = 8
"""Between the two this share of what is left: few files of a large plan, and little to write at its end."""
_MEMORY = 400_000_000
"""Bytes DuckDB may hold meanwhile."""
_CODES = {name: code for code, name in enumerate(OUTCOMES, start=1)}


class FoldAhead:
    """The fold of one send in the making, by a thread of its own.

    Args:
        send: The send; it was not begun before.
        objects: Objects of its plan.
        now: The current time.
    """

    def __init__(self, send: "Send", objects: int, now: datetime) -> None:
        self.receipts = 0
        """Receipts taken in."""
        self._send = send
        self._codes = np.zeros(objects, np.uint8)
        """What came of each object, by its `n`; 0 for nothing yet."""
        self._settled = 0
        """All objects before this one have outcomes."""
        self._written = 0
        """All objects before this one are in the new files."""
        self._now = now
        self._broken = self._ending = False
        self._changed = threading.Condition()
        send.ledger.held_table.open_or_create()
        self._held = send.ledger.acknowledged()
        self._files: Rewrite | None = None
        self._fold: Fold | None = None
        self._connection: DuckDBPyConnection | None = None
        self._opened = ExitStack()
        self._thread = threading.Thread(target=self._run, name="ledger-fold-ahead", daemon=True)
        self._thread.start()

    @classmethod
    def of(cls, send: "Send", now: datetime) -> "FoldAhead | None":
        """The preparation of a send's fold; None where it is not worth it, or not simple."""
        counts = (send.plan.document(PLAN_KEY) or {}).get("counts", {})
        objects = int(counts.get("objects", 0))
        if send.resumed or send.done != 0 or send.object_limit is not None or objects < _WORTH:
            return None
        return cls(send, objects, now)

    def add(self, receipts: pa.Table) -> None:
        """Take in receipts that are in the ledger."""
        n = receipts.column("n").to_numpy()
        names = pc.dictionary_encode(receipts.column("outcome").combine_chunks())
        codes = np.array([_CODES[name] for name in names.dictionary.to_pylist()], np.uint8)
        codes = codes[names.indices.to_numpy()]
        with self._changed:
            self.receipts += len(n)
            # A second outcome: what is written already may be wrong.
            self._broken |= bool(self._codes[n].any()) or len(pc.unique(receipts.column("n"))) != len(n)
            self._codes[n] = codes
            self._now = max(self._now, pc.max(receipts.column("time")).as_py())
            while self._settled < len(self._codes) and (step := self._run_of_outcomes()):
                self._settled += step
            self._changed.notify()

    def fits(self, fold: Fold, version: int | None, receipts: int) -> bool:
        """Whether this is the beginning of that fold, made from the same receipts and the same version."""
        whole = fold.done == 0 and (fold.reach is None or fold.reach >= len(self._codes))
        same = self.receipts == receipts and self._held.version == version
        return whole and same and not self._broken

    def count(self) -> FoldResult:
        """The outcomes of all objects."""
        counts = np.bincount(self._codes, minlength=4)
        return FoldResult(
            plan_id=self._send.plan_id,
            accepted=int(counts[_CODES["accepted"]]),
            rejected=int(counts[_CODES["rejected"]]),
            unknown=int(counts[_CODES["unknown"]] + counts[0]),
        )

    def hurry(self) -> None:
        """No more receipts come: write what is left."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        if self._connection is not None:
            # Nobody sends any more: what is still to be written may take the whole machine.
            threads = EngineSettings.from_environment().threads or os.cpu_count() or 1
            self._connection.cursor().execute(f"SET threads = {threads}")

    def commit(self, **numbers: int) -> bool:
        """Write what is left and commit; False if the preparation had failed.

        Raises:
            CommitConflict: The table is another version by now; nothing was changed.
        """
        self.hurry()
        self._thread.join()
        if self._broken or self._files is None or self._fold is None:
            return False
        # Never discarded from here on: a commit whose reply was lost may have come through.
        files, self._files = self._files, None
        files.commit(self._fold.columns(self._held), numbers)
        return True

    def close(self) -> None:
        """Stop, and remove what was written and does not count."""
        with self._changed:
            self._broken = True
            self._changed.notify()
        if self._thread.is_alive() and self._connection is not None:
            self._connection.interrupt()
        self._thread.join()
        if self._files is not None:
            self._files.discard()
        with suppress(Exception):  # an interrupt that came too late
            self._opened.close()

    def _run(self) -> None:
        try:
            self._prepare()
        except Exception:
            # The fold is made from the start then; if it fails again, it says why.
            self._broken = True

    def _prepare(self) -> None:
        send, settings = self._send, EngineSettings.from_environment()
        # One core at most: the others send.
        connection = self._opened.enter_context(connect(replace(settings, threads=1)))
        self._opened.enter_context(lean(connection, _MEMORY))
        self._connection = connection
        fold = Fold(plan=send.plan, receipts=None, done=0, reach=len(self._codes), now=self._now)
        self._files = Rewrite(connection, self._held, send.ledger.held_table)
        fold.split(self._files)
        self._fold = fold
        while (stop := self._next()) > self._written:
            part = self._codes[self._written : stop]
            known = np.flatnonzero(part)
            outcomes = pa.DictionaryArray.from_arrays(pa.array(part[known] - 1), pa.array(OUTCOMES))
            table = pa.table({"n": known + self._written, "outcome": outcomes.cast(pa.string())})
            connection.register("ahead_outcomes", table)
            replace(fold, receipts="ahead_outcomes", now=self._now).write(self._files, self._written, stop)
            connection.unregister("ahead_outcomes")
            self._written = stop

    def _run_of_outcomes(self) -> int:
        """How many objects from the first open one on have outcomes by now; looks at a part."""
        ahead = self._codes[self._settled : self._settled + _PART]
        first = int(ahead.argmin())
        return first if ahead[first] == 0 else len(ahead)

    def _next(self) -> int:
        """Wait until there is enough to write, and say up to which object; no further than now at the end."""
        with self._changed:
            while True:
                if self._broken:
                    return self._written
                left = len(self._codes) - self._written
                if self._ending:
                    return self._written + min(_MOST, left)
                if self._settled - self._written >= min(_MOST, max(_PART, left // _SHARE)):
                    return min(self._settled, self._written + _MOST)
                self._changed.wait()
