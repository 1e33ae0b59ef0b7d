"""A plan as Dagster stores and shows it."""

from typing import Any

from braze_assets.assets.planning import guard_table
from braze_assets.assets.previews import markdown_table
from braze_assets.assets.syncs.definition import SyncDefinition
from braze_assets.io_managers import TableOutput
from braze_assets.plan import Plan, preview

__all__ = ["plan_facts", "plan_output"]

_COLUMNS = {
    "n": "Ordinal among the objects to be sent; NULL for a row that is left out.",
    "kind": "new, changed or unset; left_out for a row that is not sent.",
    "attributes": "The attributes that are sent.",
    "object": "The JSON object as it goes to Braze.",
    "previous": "The old values of these attributes, as the ledger holds them, as JSON.",
    "data_points": "What the object costs.",
    "reason": "Why the row is left out, or why an unchanged value is sent again.",
    "values": "The new values in their own types.",
}


def plan_output(plan: Plan, sync: SyncDefinition) -> TableOutput:
    """What the IO manager writes, with the plan's metadata."""
    identifier: dict[str, str] = {plan.header.identifier: "The identifier Braze knows the user by."}
    facts = plan_facts(plan, sync)  # before the reader, which keeps the connection busy
    return TableOutput(
        plan.reader(),
        documents=plan.documents,
        metadata=facts,
        descriptions={**_COLUMNS, **identifier},
    )


def plan_facts(plan: Plan, sync: SyncDefinition) -> dict[str, Any]:
    """The metadata of a plan, for its page in Dagster."""
    header = plan.header
    counts = header.counts
    return {
        "status": header.status if not header.blocked else "blocked",
        "note": header.note or "-",
        "plan_id": header.plan_id,
        "objects": counts.objects,
        "new_users": counts.new,
        "changed_users": counts.changed,
        "unset_users": counts.unset,
        "left_out": counts.left_out,
        "attributes": counts.attributes,
        "data_points": counts.data_points,
        "data_points_if_resent": counts.data_points_if_resent,
        "guards": guard_table(header),
        "by_attribute": markdown_table(
            ("attribute", "set", "unset", "data points"),
            ((name, each.set, each.unset, each.data_points) for name, each in header.per_attribute.items()),
            empty="No attribute changes.",
        ),
        **_changes(plan, sync),
    }


def _changes(plan: Plan, sync: SyncDefinition) -> dict[str, Any]:
    if plan.header.status == "collapsed":
        return {}
    return {
        "changes": markdown_table(
            ("n", "kind", "attributes"),
            preview(plan, include_values=sync.show_values),
            empty="Nothing would be sent.",
        )
    }
