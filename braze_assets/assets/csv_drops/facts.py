"""What the pages of a drop's partitions show: figures, names and lines, nobody's data."""

from typing import Any

from braze_assets.assets.planning import guard_table
from braze_assets.assets.previews import markdown_table
from braze_assets.csv_files.problems import PROBLEMS
from braze_assets.plan import PlanHeader
from braze_assets.plan.csv_plan import CsvPlan

__all__ = ["kept_facts", "plan_facts"]


def plan_facts(plan: CsvPlan) -> dict[str, Any]:
    """The metadata of a plan."""
    problems = [("(row)", code, count) for code, count in plan.counts.reasons.items()]
    problems += [(name, code, count) for (name, code), count in plan.counts.findings.items()]
    return {
        **kept_facts(plan.header),
        "file": str(plan.file.get("uri", "")),
        "file_bytes": int(plan.file.get("size", 0)),
        "sha256": str(plan.file.get("sha256", "")),
        "not_sent": markdown_table(
            ("column", "problem", "count", "what it is"),
            ((name, code, count, PROBLEMS.get(code, "")) for name, code, count in problems),
            empty="Every row and every cell is sent.",
        ),
    }


def kept_facts(header: PlanHeader) -> dict[str, Any]:
    """What the header of a plan says."""
    counts = header.counts
    return {
        "status": header.status if not header.blocked else "blocked",
        "note": header.note or "-",
        "plan_id": header.plan_id,
        "rows": counts.users,
        "objects": counts.objects,
        "new_users": counts.new,
        "changed_users": counts.changed,
        "unset_users": counts.unset,
        "left_out": counts.left_out,
        "attributes": counts.attributes,
        "data_points": counts.data_points,
        "guards": guard_table(header),
        "by_attribute": markdown_table(
            ("attribute", "set", "unset", "data points"),
            ((name, each.set, each.unset, each.data_points) for name, each in header.per_attribute.items()),
            empty="No attribute is sent.",
        ),
    }
