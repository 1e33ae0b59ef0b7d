"""The plan of 5 million users with 20 attributes, 8 % of whom changed, beside a bare DuckDB join."""

from functools import partial
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.measure import best, measured
from benchmarks.people import AS_OF, ATTRIBUTES, NOW, PARTITION, SYNC, ledger_of, rows_of
from benchmarks.scale import FULL, Scale
from braze_assets.plan import PlanSettings, make_plan
from braze_assets.storage import connect, open_path, quote_literal, write_parquet

__all__ = ["run"]

BESIDE = "DuckDB: join of the same files, all attributes compared, changed rows to Parquet"


def run(scale: Scale, work: Path) -> list[Figure]:
    """Make the tables, then ours and the join in turn."""
    folder = str(work / f"people-{scale.users}")
    measured("people:prepare", folder=folder, users=scale.users, with_ledger=True)
    ours, bare = best(
        scale.repeats,
        partial(measured, "plan:make", folder=folder),
        partial(measured, "plan:join", folder=folder),
    )
    of = f"{scale.users:,} users x {len(ATTRIBUTES)}, {ours.result['objects'] / scale.users:.1%} changed"
    judged = scale.users >= FULL.users
    spill = f"spilled {ours.spilled:,.0f} MB, the join {bare.spilled:,.0f} MB"
    if ours.result["objects"] != bare.result:
        raise RuntimeError(f"the plan has {ours.result['objects']} objects, the join {bare.result} rows")
    common = {"case": "plan", "beside": BESIDE}
    return [
        Figure(
            **common,
            what=f"plan and its file: {of}",
            value=ours.seconds,
            baseline=bare.seconds,
            unit="s",
            goal="1.5 x",
            met=ours.seconds <= 1.5 * bare.seconds if judged else None,
            note=f"CPU {ours.cpu:.1f} s and {bare.cpu:.1f} s",
        ),
        Figure(
            **common,
            what="peak memory of that",
            value=ours.peak,
            baseline=bare.peak,
            unit="MB",
            goal="2,000 MB",
            met=ours.peak <= 2_000 if judged else None,
            note=spill,
        ),
    ]


def make(folder: str) -> dict[str, int]:
    """Make a plan and write it, as the delta's asset does."""
    with connect() as connection:
        plan = make_plan(
            connection,
            sync=SYNC,
            rows=rows_of(folder),
            ledger=ledger_of(folder),
            settings=PlanSettings(),
            partition=PARTITION,
            as_of=AS_OF,
            now=NOW,
        )
        write_parquet(open_path(f"{folder}/plan.parquet"), plan.reader(), metadata=plan.documents)
    return {"objects": plan.header.counts.objects, "bytes": plan.header.counts.bytes}


def join(folder: str) -> int:
    """The same question without JSON, previous values, costs and guards; under the same DuckDB settings."""
    differs = " OR ".join(f"r.{name} IS DISTINCT FROM h.{name}" for name in ATTRIBUTES)
    ledger = ledger_of(folder)
    with connect() as connection:
        rows = rows_of(folder).sql(connection)
        held = f"read_parquet({quote_literal(f'{ledger.uri}/acknowledged/*.parquet')})"
        target = quote_literal(f"{folder}/join.parquet")
        [(count,)] = connection.execute(
            f"COPY (SELECT r.* FROM {rows} AS r LEFT JOIN {held} AS h USING (external_id) WHERE {differs}) "
            f"TO {target} (FORMAT parquet, COMPRESSION zstd)"
        ).fetchall()
    return int(count)
