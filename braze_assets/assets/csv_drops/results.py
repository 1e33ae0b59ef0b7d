"""The result of a file: what became of each of its rows."""

from contextlib import ExitStack

import dagster as dg

from braze_assets.assets.csv_drops.definition import CsvDropDefinition, drop_asset
from braze_assets.assets.previews import markdown_table
from braze_assets.csv_files.outcomes import OUTCOMES, outcomes_sql
from braze_assets.csv_files.problems import PROBLEMS
from braze_assets.io_managers import TableOutput
from braze_assets.plan import read_plan_header
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.storage import StorageResource
from braze_assets.storage import StoredTable, connect

__all__ = ["build_results_asset"]

_COLUMNS = {
    "line": "The line of the file that the row begins on; 1 is the header.",
    "outcome": f"{', '.join(OUTCOMES)}.",
    "attribute": "The column, where it is about one cell.",
    "reason": "Why, where it was not sent: a code, or what Braze said.",
    "detail": "More of that.",
}


def build_results_asset(drop: CsvDropDefinition) -> dg.AssetsDefinition:
    """The asset of the results; it is made after every send, also of one that goes on."""

    @drop_asset(
        drop,
        "results",
        ins={"delta": dg.AssetIn(drop.part("delta"))},
        deps=[drop.part("sync")],
        description="What became of each row of a file: sent, unchanged, skipped, or rejected and why.",
        kinds={"duckdb", "parquet"},
        tags={"pii": "true"},
    )
    # No return annotation: the table is made while it is stored.
    def results(context: dg.AssetExecutionContext, storage: StorageResource, delta: StoredTable):  # type: ignore[no-untyped-def]
        header = read_plan_header(delta)
        ledger = drop.ledger(storage.storage())
        with dagster_failures(), ExitStack() as until_stored:
            connection = until_stored.enter_context(connect())
            receipts = ledger.receipts.of_plan(connection, header.plan_id)
            rows = outcomes_sql(delta.sql(connection), receipts, header.identifier)
            counted = connection.sql(
                f"SELECT outcome, attribute, CASE WHEN reason IN {tuple(PROBLEMS)} THEN reason "
                "WHEN reason IS NOT NULL THEN 'said by Braze' END, "
                f"count(*), min(line) FROM ({rows}) GROUP BY ALL ORDER BY 4 DESC, 1, 2"
            ).fetchall()
            sums = dict.fromkeys(OUTCOMES, 0)
            for outcome, _, _, count, _ in counted:
                sums[outcome] += count
            table = markdown_table(
                ("outcome", "column", "reason", "count", "first line"),
                [(each[0], each[1] or "(row)", each[2] or "", each[3], each[4]) for each in counted[:50]],
                empty="The file has no rows.",
            )
            yield dg.MaterializeResult(
                value=TableOutput(
                    connection.sql(
                        f"SELECT * FROM ({rows}) ORDER BY line, attribute NULLS FIRST"
                    ).to_arrow_reader(50_000),
                    metadata={
                        **{name.replace(" ", "_"): count for name, count in sums.items()},
                        "rows": table,
                    },
                    descriptions=_COLUMNS,
                )
            )

    return results
