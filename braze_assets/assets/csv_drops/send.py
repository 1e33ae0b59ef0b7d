"""The send of a file: the plan delivered, gone on with after a stop, and the file put away."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Literal

import dagster as dg
from pydantic import Field

from braze_assets.assets.csv_drops.definition import CsvDropDefinition, drop_asset
from braze_assets.assets.flow import Mode
from braze_assets.assets.flow_facts import facts_of
from braze_assets.assets.sending import allowed_mode, send_each
from braze_assets.csv_files.place import FileVersion
from braze_assets.errors import CsvError
from braze_assets.plan import PlanHeader, read_plan_header
from braze_assets.plan.csv_plan import FILE_KEY
from braze_assets.plan.csv_turns import begun_plan
from braze_assets.resources.braze import BrazeResource
from braze_assets.resources.storage import StorageResource
from braze_assets.storage import StoredTable

if TYPE_CHECKING:
    from braze_assets.delivery import SendReport

__all__ = ["build_send_asset"]


class CsvSendConfig(dg.Config):
    """How far one run goes."""

    mode: Literal["as configured", "preview", "test", "live"] = Field(
        default="as configured",
        description="preview sends nothing, test the first `test_users` objects, live the whole file.",
    )
    test_users: int = Field(default=0, description="0: as configured.")


def build_send_asset(drop: CsvDropDefinition) -> dg.AssetsDefinition:
    """The asset of the send; it stores nothing of its own: its outcomes are the ledger's receipts."""
    key = drop.part("sync")

    @drop_asset(
        drop,
        "sync",
        ins={"delta": dg.AssetIn(drop.part("delta"))},
        check_specs=[
            dg.AssetCheckSpec(
                "every_object_accepted",
                asset=key,
                description=f"Braze accepted every object; `{drop.name}_results` names the others.",
            )
        ],
        required_resource_keys={"storage", drop.destination},
        description=f"The send: delivers a file's plan to Braze (`{drop.destination}`). After a stop it "
        "sends only the rest.",
        kinds={"braze"},
        metadata=facts_of(drop, f"{drop.name}_sensor"),
    )
    # No return annotation: with checks, Dagster takes one for the type of a single output.
    def send(context: dg.AssetExecutionContext, config: CsvSendConfig, delta: StoredTable):  # type: ignore[no-untyped-def]
        mode = allowed_mode(context, drop, config.mode)
        sending = _Sending(drop, context, delta, mode, config.test_users or drop.test_users)

        def deliver(interrupted: Callable[[], bool]) -> Iterator[tuple[str | None, "SendReport"]]:
            yield context.partition_key, sending.run(interrupted)

        return send_each(context, drop, "object", deliver)

    return send


class _Sending:
    """The send of one file's plan."""

    def __init__(
        self,
        drop: CsvDropDefinition,
        context: dg.AssetExecutionContext,
        plan: StoredTable,
        mode: Mode,
        test_users: int,
    ) -> None:
        self.drop, self.context, self.plan, self.mode = drop, context, plan, mode
        self.test_users = test_users
        storage: StorageResource = context.resources.storage
        self.storage = storage.storage()
        self.partition = context.partition_key
        self.progress = drop.progress(self.storage)
        self.place = drop.place()

    def run(self, interrupted: Callable[[], bool]) -> "SendReport":
        """Send, and write down how far that came."""
        # Late: whoever loads the definitions needs no HTTP.
        from braze_assets.delivery import send_plan
        from braze_assets.delivery.wide import for_wide_objects, holding_little

        header = read_plan_header(self.plan)
        file = self._file(header)
        budget = self.drop.time_budget_minutes * 60
        until = time.monotonic() + budget if budget else float("inf")
        braze: BrazeResource = getattr(self.context.resources, self.drop.destination)
        with holding_little():
            report = send_plan(
                plan=self.plan,
                plan_uri=self.plan.uris[0],
                ledger=self.drop.ledger(self.storage),
                client=braze.client if self.mode != "preview" else None,
                limits=braze.limits(),
                settings=for_wide_objects(braze.delivery()),
                mode=self.mode,
                test_users=self.test_users,
                progress=lambda progress: self.context.log.info(str(progress)),
                cancelled=lambda: interrupted() or time.monotonic() > until,
            )
        return self._ended(report, header, file, interrupted=interrupted())

    def _file(self, header: PlanHeader) -> FileVersion | None:
        """The file, if it is still there. A plan of one that is not is ended, but not begun."""
        file = next((each for each in self.place.files() if each.partition == self.partition), None)
        begun = begun_plan(self.drop.ledger(self.storage), self.partition) == header.plan_id
        if file is None and not begun and self.mode != "preview":
            self.progress.put(self.partition, "replaced", _now())
            raise CsvError(
                "The file was replaced or taken away before its import began: nothing of it was sent.",
                place=f"{self.place.url}, {self.partition}",
                remedy="Nothing is to be done: what is there now is imported as a version of its own.",
            )
        return file

    def _ended(
        self, report: "SendReport", header: PlanHeader, file: FileVersion | None, *, interrupted: bool
    ) -> "SendReport":
        if self.mode != "live":
            known = self.progress.known().get(self.partition)
            if known is None or known.state not in ("done", "failed"):
                self.progress.put(self.partition, "tested" if self.mode == "test" else "previewed", _now())
            return report
        left = report.not_sent + report.unknown
        if report.state == "cancelled" and not interrupted:
            self.progress.put(self.partition, "continue", _now(), left=left)
            minutes = f"{self.drop.time_budget_minutes:g} min"
            note = f"The time budget of {minutes} is used up: another run sends the rest."
            self.context.log.info(note)
            return replace(report, state="sent", note=note)
        if report.state == "cancelled" or left:
            return report  # The sensor asks again after a while.
        digest = (self.plan.document(FILE_KEY) or {}).get("sha256")
        if digest:
            self.progress.imported(str(digest), self.partition, _now())
        if file is not None:
            self.place.end(file, "done", self.drop.when_done)
        self.progress.put(self.partition, "done", _now())
        return report


def _now() -> datetime:
    return datetime.now(timezone.utc)
