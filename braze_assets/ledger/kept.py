"""The plan of the last send, kept by the ledger itself until a newer one begins.

A fold needs the plan's values. The plan's own file may be overwritten by a newer plan of the same partition,
or fall to retention, while its outcomes are not folded yet.
"""

import os
import shutil
import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from braze_assets.errors import LedgerError, StorageError
from braze_assets.ledger.schemas import PLAN_KEY
from braze_assets.storage import Storage, StoredTable, atomic_writer, open_path, storage_errors

__all__ = ["KeptPlans"]


class KeptPlans:
    """The folder `plans/` of a ledger."""

    def __init__(self, storage: Storage, uri: str) -> None:
        self._storage = storage
        self._uri = uri
        self._before: frozenset[str] | None = None

    def table(self, plan_id: str, plan_uri: str) -> StoredTable:
        """The kept plan; where it is gone, made anew of the plan's own file, if that is still there.

        Raises:
            LedgerError: Both are gone.
        """
        plan = StoredTable.at(f"{self._uri}/{plan_id}.parquet")
        with storage_errors(self._uri):
            if plan.exists():
                return plan
        with storage_errors(plan_uri):
            own = StoredTable.at(plan_uri)
            if own.exists() and (own.document(PLAN_KEY) or {}).get("plan_id") == plan_id:
                self._copy(plan_uri, plan.uris[0])
                return plan
        *_, sync, kind, _folder = self._uri.split("/")
        raise LedgerError(
            f"The plan {plan_id} was begun and its outcomes are not folded yet, but its file is gone.",
            place=plan.uris[0],
            remedy="Restore that file from a backup or an older object version. "
            + (
                "Without it nobody can tell which events were sent, and nothing of this sync is sent."
                if kind == "events"
                else f"If that cannot be done: braze-assets ledger restore {sync} has everything sent again."
            ),
        )

    def keep(self, plan_id: str, plan_uri: str) -> tuple[StoredTable, Mapping[str, Any]]:
        """Keep a plan; local files are linked, S3 objects copied within S3.

        Returns:
            The copy and the plan's header. Until the journal says that it is begun, another run may begin its
            own and remove the copy: the header is not to be read from it.

        Raises:
            LedgerError: The file is another plan.
            StorageError: The file is not there, or cannot be copied.
        """
        kept = StoredTable.at(f"{self._uri}/{plan_id}.parquet")
        with storage_errors(plan_uri):
            self._before = self._names()
            with suppress(StorageError):
                return kept, kept.document(PLAN_KEY) or {}
            document = StoredTable.at(plan_uri).document(PLAN_KEY) or {}
            if document.get("plan_id") != plan_id:
                raise LedgerError(
                    f"The file is not the plan {plan_id}: another plan was written over it, or none.",
                    place=plan_uri,
                    remedy="Send the plan that is there now, or make the plan again.",
                )
            self._copy(plan_uri, kept.uris[0])
        return kept, document

    def _copy(self, source_uri: str, target_uri: str) -> None:
        source, target = open_path(source_uri), open_path(target_uri)
        if self._storage.is_s3 and source_uri.startswith("s3://"):
            source.fs.copy(source.path, target.path)
            return
        if not self._storage.is_s3 and source.protocol in ("", "file"):
            target.parent.mkdir(parents=True, exist_ok=True)
            part = f"{target.path}.{uuid.uuid4().hex}.part"
            try:
                os.link(source.path, part)
                os.replace(part, target.path)
                return
            except OSError:
                pass  # Another file system, or one without links.
        with source.open("rb") as read, atomic_writer(target) as write:
            shutil.copyfileobj(read, write, 1 << 20)

    def drop_others(self, plan_id: str) -> None:
        """Remove the plans of earlier sends.

        After `keep` these are the ones that were there then: what came since is the plan of a run that has
        overtaken this one.
        """
        names = self._names() if self._before is None else self._before
        self._before = None
        with storage_errors(self._uri):
            for name in names - {f"{plan_id}.parquet"}:
                open_path(f"{self._uri}/{name}").unlink(missing_ok=True)

    def _names(self) -> frozenset[str]:
        folder = open_path(self._uri)
        with storage_errors(self._uri):
            found = list(folder.iterdir()) if folder.exists() else []
        return frozenset(path.name for path in found if path.name.endswith(".parquet"))
