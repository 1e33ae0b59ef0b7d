"""The plan of ten times as many users: time should grow tenfold, and memory stay under the same limit."""

import json
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.measure import Step, measured
from benchmarks.people import ATTRIBUTES, header, held_sql, ledger_of, rows_of, wanted_sql
from benchmarks.scale import Scale
from braze_assets.ledger.acknowledged import acknowledged_table
from braze_assets.ledger.rewrite import Rewrite
from braze_assets.rows import ROWS_KEY
from braze_assets.storage import connect, quote_literal

__all__ = ["run"]

_TIMES = 10
_FILE = 5_000_000


def run(scale: Scale, work: Path) -> list[Figure]:
    """Nothing at sizes that show nothing."""
    if not scale.many_users:
        return []
    few, many = (_planned(users, work) for users in (scale.many_users // _TIMES, scale.many_users))
    of = f"{scale.many_users:,} users x 20, 8.0% changed"
    common = {"case": "growth", "beside": f"ours, of {scale.many_users // _TIMES:,} users"}
    grown = many.seconds / few.seconds
    return [
        Figure(
            **common,
            what=f"plan and its file: {of}",
            value=many.seconds,
            baseline=few.seconds,
            unit="s",
            goal=f"{_TIMES} x ± 20%",
            met=0.8 * _TIMES <= grown <= 1.2 * _TIMES,
            note=f"CPU {many.cpu:.1f} s and {few.cpu:.1f} s",
        ),
        Figure(
            **common,
            what="peak memory of that",
            value=many.peak,
            baseline=few.peak,
            unit="MB",
            goal="3,000 MB",
            met=many.peak <= 3_000,
            note=f"DuckDB's limit is 2 GB; spilled {many.spilled:,.0f} MB and {few.spilled:,.0f} MB",
        ),
    ]


def _planned(users: int, work: Path) -> Step:
    folder = str(work / f"growth-{users}")
    measured("growth:prepare", folder=folder, users=users)
    return measured("plan:make", folder=folder)


def prepare(folder: str, users: int) -> None:
    """The tables of `people:prepare`, by DuckDB alone: ten times as fast."""
    ledger = ledger_of(folder)
    target = acknowledged_table(ledger.storage, f"{ledger.uri}/acknowledged", "external_id")
    target.open_or_create()
    document = quote_literal(json.dumps(header().to_document()))
    with connect() as connection:
        connection.execute(
            f"COPY ({wanted_sql(users)}) TO {quote_literal(rows_of(folder).uris[0])} "
            f"(FORMAT parquet, COMPRESSION zstd, KV_METADATA {{{quote_literal(ROWS_KEY)}: {document}}})"
        )
        files = Rewrite(connection, ledger.acknowledged(), target)
        files.split("(SELECT NULL::BIGINT AS n, NULL::VARCHAR AS external_id WHERE false)")
        for first in range(0, users, _FILE):
            files.write(held_sql(users, first=first, last=min(first + _FILE, users)))
        files.commit({name: type for name, (type, _) in ATTRIBUTES.items()}, {"fold": 0, "receipts": 0})
