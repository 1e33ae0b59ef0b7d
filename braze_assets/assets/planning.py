"""What the plans of all flows have in common on their pages in Dagster: the guards and their verdicts."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from braze_assets.assets.flow import AssetDecorator, Flow, flow_asset
from braze_assets.assets.previews import markdown_table
from braze_assets.assets.types import PARTITIONED_TABLE
from braze_assets.plan import BaseHeader, Guard, Verdict

__all__ = ["guard_results", "guard_table", "plan_asset"]


def plan_asset(flow: Flow, guards: Sequence[Guard[Any]], *, description: str) -> AssetDecorator:
    """`dg.asset` for the plan of a flow, made from its table as `rows`; every guard is a check of it."""
    key = flow.key("delta")
    return flow_asset(
        flow,
        "delta",
        ins={"rows": dg.AssetIn(flow.key(), dagster_type=PARTITIONED_TABLE)},
        check_specs=[
            dg.AssetCheckSpec(guard.name, asset=key, description=guard.description) for guard in guards
        ],
        description=description,
        kinds={"duckdb", "parquet"},
        tags={"pii": "true"},
        pool=flow.name,
    )


def guard_results(
    guards: Sequence[Guard[Any]], headers: Sequence[BaseHeader]
) -> Iterator[dg.AssetCheckResult]:
    """One verdict a guard on all plans of a run: Dagster keeps one result a run."""
    for guard in guards:
        verdicts = [(h.partition, v) for h in headers for v in h.verdicts if v.guard == guard.name]
        failed = [(partition, v) for partition, v in verdicts if not v.passed]
        messages = [
            v.message if len(headers) == 1 else f"{partition}: {v.message}"
            for partition, v in (failed or verdicts[:1])
            if v.message
        ]
        more = f" And {len(messages) - 3:,} more partitions." if len(messages) > 3 else ""
        waived = all(v.allowed for _, v in failed)
        yield dg.AssetCheckResult(
            check_name=guard.name,
            passed=not failed,
            severity=dg.AssetCheckSeverity.WARN if waived else dg.AssetCheckSeverity.ERROR,
            description=("\n".join(messages[:3]) + more) or None,
        )


def guard_table(header: BaseHeader) -> dg.MetadataValue:
    """What every guard said of a plan."""
    return markdown_table(
        ("guard", "verdict", "observed", "limit", "message"),
        ((v.guard, _verdict(v), _figure(v.observed), _figure(v.limit), v.message) for v in header.verdicts),
        empty="No guard was asked: there is nothing to send.",
    )


def _verdict(verdict: Verdict) -> str:
    return "passed" if verdict.passed else "allowed" if verdict.allowed else "FAILED"


def _figure(value: str | float | None) -> object:
    return "" if value is None else round(value, 4) if isinstance(value, float) else value
