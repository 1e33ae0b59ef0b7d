"""Which sends a failed run should have made and did not, and why."""

import re
from collections.abc import Collection

import dagster as dg
from dagster import DagsterEventType

from braze_assets.braze.redaction import impersonal, redact, secrets_of_environment

__all__ = ["failed_sends"]

_PLANNED = DagsterEventType.ASSET_MATERIALIZATION_PLANNED
_ASKED = {_PLANNED, DagsterEventType.STEP_SUCCESS, DagsterEventType.STEP_FAILURE}
_MOST = 2_000
"""Events of one run that are read; a run of a range has one for each partition of each asset."""
_CHARACTERS = 500
_OURS = {"place", "remedy"}
_PLACE = re.compile(r"\n  (?:Where|What to do): ")


def failed_sends(
    instance: dg.DagsterInstance, run_id: str, sends: Collection[dg.AssetKey]
) -> dict[dg.AssetKey, str]:
    """The sends that the run was to make and whose steps did not succeed, each with a sentence of why.

    Args:
        instance: Where the run is.
        run_id: A run that failed.
        sends: The assets that are asked for.
    """
    planned: dict[dg.AssetKey, str | None] = {}
    done: set[str | None] = set()
    failed: dict[str, str] = {}
    for record in instance.get_records_for_run(run_id, of_type=_ASKED, limit=_MOST).records:
        event = record.event_log_entry.dagster_event
        if event is None:
            continue
        if event.event_type == _PLANNED:
            if event.asset_key and event.asset_key in sends:
                planned[event.asset_key] = event.step_key
        elif event.event_type == DagsterEventType.STEP_SUCCESS:
            done.add(event.step_key)
        else:
            failed[str(event.step_key)] = _cause(event)
    return {key: _because(failed, step) for key, step in planned.items() if step not in done}


def _because(failed: dict[str, str], own: str | None) -> str:
    """The step's own failure, or that of another one, which it waited for."""
    step = own if own in failed else next(iter(failed), None)
    if step is None:
        return "The run ended before its steps did"
    return f"{step} failed" + (f": {failed[step]}" if failed[step] else "")


def _cause(event: dg.DagsterEvent) -> str:
    """The cause of an error of ours. Others may quote anything: of them only the step is told."""
    data = event.step_failure_data.user_failure_data
    if data is None or not data.description or not _OURS & set(data.metadata or {}):
        return ""
    cause = _PLACE.split(data.description, maxsplit=1)[0]
    return impersonal(redact(" ".join(cause.split()), secrets_of_environment()), limit=_CHARACTERS)
