"""What became of each row of a file, in SQL."""

from braze_assets.storage import quote_identifier

__all__ = ["OUTCOMES", "outcomes_sql"]

OUTCOMES = ("sent", "rejected", "unknown", "not sent", "unchanged", "skipped", "cell rejected")
"""`sent`: Braze accepted it. `rejected`: by Braze, or for it cannot be sent. `unknown`: Braze did not say.
`not sent`: not yet. `unchanged`: Braze had it. `skipped`: nothing in it, or a later row of the user counts.
`cell rejected`: one cell of a row whose others count."""


def outcomes_sql(plan: str, receipts: str | None, identifier: str) -> str:
    """A SELECT of `line`, the identifier, `outcome`, `attribute`, `reason` and `detail`, in no order.

    Args:
        plan: A table expression of a file's plan.
        receipts: One of the plan's receipts, or None where nothing was sent.
        identifier: The identifier's column.
    """
    name = quote_identifier(identifier)
    answers = receipts or "(SELECT NULL::BIGINT AS n, NULL AS outcome, NULL AS reason WHERE false)"
    # A retry can leave several receipts: what Braze said once counts.
    last = (
        "(SELECT n, CASE WHEN bool_or(outcome = 'accepted') THEN 'sent' WHEN bool_or(outcome = 'rejected') "
        "THEN 'rejected' ELSE 'unknown' END AS outcome, "
        "any_value(reason) FILTER (outcome <> 'accepted') AS why "
        f"FROM {answers} GROUP BY n)"
    )
    left_out = (
        "CASE reason WHEN 'unchanged' THEN 'unchanged' WHEN 'no_values' THEN 'skipped' "
        "WHEN 'same_user_later' THEN 'skipped' ELSE 'rejected' END"
    )
    return (
        f"SELECT line, {name}, CASE WHEN p.n IS NULL THEN {left_out} "
        "ELSE coalesce(a.outcome, 'not sent') END AS outcome, NULL::VARCHAR AS attribute, "
        "CASE WHEN p.n IS NULL THEN reason WHEN a.outcome <> 'sent' THEN why END AS reason, detail "
        f"FROM {plan} AS p LEFT JOIN {last} AS a ON a.n = p.n "
        f"UNION ALL SELECT line, {name}, 'cell rejected', f.attribute, f.problem, NULL "
        f"FROM (SELECT line, {name}, unnest(findings) AS f FROM {plan} WHERE len(findings) > 0)"
    )
