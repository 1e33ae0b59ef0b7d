"""Whether a process might do and say what it did and said."""

from __future__ import annotations

from typing import Any

from braze_assets_tests.chaos import check, worker
from braze_assets_tests.chaos.launching import Launching
from braze_assets_tests.chaos.process import Process
from braze_assets_tests.chaos.schedule import Run, Step
from braze_assets_tests.chaos.state import Violation


class Judging(Launching):
    """Judges every process when it has ended, and keeps the model up to date."""

    def _ended(self, process: Process, run: Run, step: Step, *, died: bool) -> dict[str, Any]:
        said = process.result()
        killed = died or said is None
        if said is None and not died:
            raise Violation(f"a process ended with status {process.status} and said nothing")
        said = said or {"done": []}
        told = {key: said[key] for key in ("plan", "error") if key in said}
        if "report" in said:
            told["sent"] = said["report"]["summary"]
        self.outcome.steps.append(f"      {'killed' if killed else told}")
        if "bug" in said:
            raise Violation(f"an error that is none of the project's own:\n{said['bug']}")
        if "rows" in said["done"]:
            self.built[run.day] = self.tables[run.day]
        self._note_plan(run, said)
        if not killed:
            self._judge(run, step, said)
        report = said.get("report")
        if report is not None:
            for problem in check.report(report, finished="error" not in said):
                raise Violation(problem)
            self.counts["unknown"] += report["unknown"]
            self.counts["rejected"] += report["rejected"]
        unsure = killed or "error" in said or step.kind == "pair"
        if report is not None:
            unsure = unsure or bool(report["unknown"] or report["not_sent"]) or run.test_users is not None
            if not unsure and said.get("plan", {}).get("status") in ("ready", "empty"):
                self.position = run.day
            if not unsure:
                self.finished.add(report["plan_id"])
        if unsure or "plan" not in run.steps or report is None:
            self._look_around(said.get("look"), pair=step.kind == "pair")
        return said

    def _note_plan(self, run: Run, said: dict[str, Any]) -> None:
        if "plan" not in run.steps:
            return
        plan = said.get("plan")
        if plan is None:
            self.planned.setdefault(run.day, [None]).append(self.tables[run.day])
            for day in run.collapsed:
                self.planned.setdefault(day, [None]).append(None)
            return
        sends = plan["status"] in ("ready", "empty")
        self.planned[run.day] = [self.tables[run.day] if sends else None]
        self.planned.update({day: [None] for day in run.collapsed})

    def _judge(self, run: Run, step: Step, said: dict[str, Any]) -> None:
        """Whether a process that lived might say what it said."""
        trouble, error, plan = step.trouble, said.get("error"), said.get("plan")
        if trouble and trouble.impatient and plan:
            self.impatient.add(plan["plan_id"])
        if plan and step.kind != "pair":
            older = self.position is not None and run.day < self.position and not run.rewind
            if (plan["status"] == "stale") != older:
                raise Violation(
                    f"day {run.day} is {plan['status']}, and the ledger stands at day {self.position}"
                )
            if older:
                self.counts["stale refused"] += 1
                self.outcome.kinds.add("stale partition")
                if said.get("report", {}).get("requests"):
                    raise Violation("a stale partition was sent")
        if plan and plan["blocked"]:
            self.counts["refused by a guard"] += 1
            if "send" in run.steps and error != "PlanRefusedError":
                raise Violation(f"the guards {plan['blocked']} failed, and the plan was not refused: {error}")
            if set(plan["blocked"]) != {"type_change"} or run.allow_flips:
                raise Violation(f"unexpected guards: {plan['blocked']}")
        if error is not None and error not in self._allowed(run, step, plan):
            raise Violation(f"{error} without a reason:\n{said.get('message')}")

    def _allowed(self, run: Run, step: Step, plan: dict[str, Any] | None) -> set[str]:
        trouble = step.trouble
        allowed: set[str] = set()
        if plan is None or plan["blocked"]:
            allowed.add("PlanRefusedError")
        if step.kind == "pair" or "plan" not in run.steps:
            allowed |= {"LedgerMovedError", "LedgerError"}  # its plan may have been written over
        if "plan" not in run.steps and (step.kind == "pair" or None in self.planned.get(run.day, [None])):
            allowed |= {"StorageError", "StorageUnavailableError"}
        if trouble and (trouble.faults or trouble.settings):
            allowed |= {"DeliveryError", "NoReplyError"}
        if trouble and any(fault.get("status") == 401 for fault in trouble.faults):
            allowed.add("DeniedError")
        if trouble and (trouble.disk is not None or trouble.s3):
            allowed |= {"StorageError", "StorageUnavailableError", "LedgerError"}
            allowed |= {"SourceError", "LedgerMovedError"}
        return allowed

    def _look(self) -> dict[str, Any]:
        process = self._fork({"storage": self.storage, "steps": ("look",)})
        self._join(process)
        said = process.result()
        return _readable(said)

    def _look_around(self, seen: dict[str, Any] | None, *, pair: bool) -> None:
        """After something went wrong: where the ledger stands, and what of its last plan is open."""
        seen = self._look() if seen is None else _readable(seen)
        journal = seen["journal"]
        begun = next((entry for entry in reversed(journal) if entry["state"] in ("begun", "resumed")), None)
        if begun is None:
            return
        days = {worker.partition(day)[0]: day for day in self.tables}
        self.position = days[begun["partition"]]
        plans = list(check.ranks(journal))
        # Of two at once, one may have overtaken the other at any instant of its life.
        known = {doubt.plan for doubt in self.doubts} | self.finished
        self.doubts += [check.Doubt(plan, None) for plan in plans[:-1] if plan not in known]
        if pair:
            # Who was stopped may have missed replies that were on their way to it.
            self.impatient |= set(plans) - known
        sure = {
            n for plan, n, _, outcome in seen["receipts"] if plan == begun["plan_id"] and outcome != "unknown"
        }
        cells = frozenset((user, name) for n, user, names in seen["open"] if n not in sure for name in names)
        self.doubts.append(check.Doubt(begun["plan_id"], cells))


def _readable(said: dict[str, Any] | None) -> dict[str, Any]:
    if said is None or "error" in said or "bug" in said:
        raise Violation(f"the ledger cannot be read: {said}")
    return said
