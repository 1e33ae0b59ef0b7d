"""What the plan of a CSV file counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from braze_assets.braze.fields import billed
from braze_assets.plan.csv_sql import CsvColumns
from braze_assets.plan.header import AttributeCount, Counts

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["CsvCounts", "count_csv"]

_IDENTIFIER = ("null_identifier", "identifier_too_long")


@dataclass(frozen=True, kw_only=True)
class CsvCounts:
    """What a file holds, in rows and cells.

    Args:
        plan: As every plan counts.
        per_attribute: The same by attribute.
        reasons: Rows that are not sent, by reason.
        findings: Cells that are not sent, by (attribute, problem).
    """

    plan: Counts
    per_attribute: Mapping[str, AttributeCount]
    reasons: Mapping[str, int]
    findings: Mapping[tuple[str, str], int]

    @property
    def identifier_errors(self) -> Mapping[str, int]:
        """Rows whose identifier is missing or wrong."""
        return {reason: self.reasons[reason] for reason in _IDENTIFIER if reason in self.reasons}

    def nothing(self) -> str:
        """Why there is nothing to send."""
        if not self.plan.users:
            return "The file has a header and no rows: there is nothing to send."
        said = ", ".join(f"{reason}: {count:,}" for reason, count in self.reasons.items())
        return f"None of the file's {self.plan.users:,} rows is sent ({said})."


def count_csv(connection: "DuckDBPyConnection", wanted: str, columns: CsvColumns) -> CsvCounts:
    """Count what `CsvColumns.wanted` holds."""
    per_column = "".join(
        f", count(*) FILTER ({column} <> 'null'), count(*) FILTER ({column} = 'null')"
        for column in columns.wanted_columns
    )
    [row] = connection.sql(
        f"SELECT count(*), count(*) FILTER ({columns.sets} AND held_id IS NULL), "
        f"count(*) FILTER ({columns.sets}), coalesce(sum({columns.size}), 0){per_column} "
        f"FROM {wanted} WHERE {columns.reason} IS NULL"
    ).fetchall()
    objects, new, setting, size, *cells = (int(number) for number in row)
    reasons = dict(
        connection.sql(
            f"SELECT {columns.reason} AS reason, count(*) FROM {wanted} WHERE {columns.reason} IS NOT NULL "
            "GROUP BY ALL ORDER BY 2 DESC, 1"
        ).fetchall()
    )
    findings = connection.sql(
        f"SELECT f.attribute, f.problem, count(*) FROM (SELECT unnest(findings) AS f FROM {wanted}) "
        "GROUP BY ALL ORDER BY 3 DESC, 1, 2"
    ).fetchall()
    per_attribute = {
        name: AttributeCount(set=set_, unset=unset, data_points=set_ if billed(name) else 0)
        for name, set_, unset in zip(columns.names, cells[::2], cells[1::2], strict=True)
        if set_ or unset
    }
    points = sum(each.data_points for each in per_attribute.values())
    left_out = sum(reasons.values())
    return CsvCounts(
        plan=Counts(
            users=objects + left_out,
            objects=objects,
            new=new,
            changed=setting - new,
            unset=objects - setting,
            left_out=left_out,
            attributes=sum(cells),
            data_points=points,
            data_points_if_resent=points,
            bytes=size,
        ),
        per_attribute=per_attribute,
        reasons=reasons,
        findings={(attribute, problem): count for attribute, problem, count in findings},
    )
