"""The guards: what must be true of a plan before it may be sent.

A guard that fails never keeps a plan from being written: the plan shows what would be sent, and why it is
not.
"""

from braze_assets.braze.fields import CONSENT_FIELDS, shadowed_field
from braze_assets.plan.attribute_names import new_attributes, personal_data
from braze_assets.plan.audiences import empty_audience, launch, overlap
from braze_assets.plan.facts import Facts
from braze_assets.plan.judging import Guard, Verdict, budget_verdict
from braze_assets.rows import AttributeType

__all__ = ["GUARDS"]


def _rows_present(facts: Facts) -> Verdict:
    users = facts.counts.users
    # Of audiences each is asked by itself whether it became empty.
    asked = facts.ledger_users > 0 and not facts.guards.audiences
    return Verdict(
        guard="rows_present",
        passed=users > 0 or not asked,
        observed=users,
        limit=1,
        message=""
        if users > 0 or not asked
        else f"The table has no rows, but the ledger knows {facts.ledger_users:,} users. An empty source is "
        "the usual cause: check the query's sources and materialize the table again.",
    )


def _query_thresholds(facts: Facts) -> Verdict:
    breaches = facts.guards.thresholds.breaches(facts.counts.users, facts.rows_before)
    serious = any(breach.otherwise == "fail" for breach in breaches)
    remedy = (
        "Check the query's sources. If it is meant, waive the guard query_thresholds for this plan, or "
        "change the thresholds at the top of the SQL file."
    )
    return Verdict(
        guard="query_thresholds",
        passed=not breaches,
        allowed=bool(breaches) and not serious,
        observed=facts.counts.users,
        limit=str(facts.guards.thresholds) or None,
        message=" ".join([*(breach.message for breach in breaches), remedy]) if breaches else "",
    )


def _identifier_present(facts: Facts) -> Verdict:
    bad, users = sum(facts.identifier_errors.values()), facts.counts.users
    share, limit = bad / users if users else 0.0, facts.guards.max_identifier_errors
    asked = users >= facts.guards.min_users
    reasons = ", ".join(f"{name}: {count:,}" for name, count in sorted(facts.identifier_errors.items()))
    return Verdict(
        guard="identifier_present",
        passed=not asked or share <= limit,
        observed=share,
        limit=limit,
        message=""
        if not bad
        else f"{bad:,} of {users:,} rows ({share:.1%}) cannot be sent for their identifier ({reasons}); "
        f"{limit:.1%} is allowed. Make the query give one row a user, or raise guards.max_identifier_errors.",
    )


def _shadow_fields(facts: Facts) -> Verdict:
    shadows = {
        attribute.name: field
        for attribute in facts.header.attributes
        if attribute.kind == "custom" and attribute.name not in facts.guards.allow_shadow
        if (field := shadowed_field(attribute.name)) is not None
    }
    fixes = "; ".join(
        f"`{name}` looks like `{field}`: rename it to {field}, or allow it by name under guards.allow_shadow"
        for name, field in shadows.items()
    )
    return Verdict(
        guard="shadow_fields",
        passed=not shadows,
        observed=", ".join(shadows) or None,
        message=f"A custom attribute would stand beside the profile field it duplicates. {fixes}."
        if shadows
        else "",
    )


def _consent_fields(facts: Facts) -> Verdict:
    fields = [
        attribute.name
        for attribute in facts.header.attributes
        if attribute.name in CONSENT_FIELDS and attribute.name not in facts.guards.allow_consent
    ]
    return Verdict(
        guard="consent_fields",
        passed=not fields,
        observed=", ".join(fields) or None,
        message=f"{', '.join(fields)}: people change their consent in Braze, and this would overwrite it. "
        "Leave it out of the query, or allow it by name under guards.allow_consent."
        if fields
        else "",
    )


def _share_changed(facts: Facts) -> Verdict:
    limit, base = facts.guards.max_share_changed, facts.ledger_users - facts.counts.vanished
    share = facts.ledger_changed / base if base > 0 else 0.0
    asked = limit is not None and facts.ledger_users >= facts.guards.min_users
    by_size = sorted(facts.per_attribute.items(), key=lambda item: -(item[1].set + item[1].unset))
    most = ", ".join(f"{name} ({count.set + count.unset:,})" for name, count in by_size[:3])
    return Verdict(
        guard="share_changed",
        passed=not asked or share <= (limit or 0.0),
        observed=share,
        limit=limit,
        message=""
        if not asked or share <= (limit or 0.0)
        else f"{facts.ledger_changed:,} of {base:,} users that Braze holds ({share:.1%}) would change; "
        f"{limit:.1%} is allowed. Most of it: {most}. If that is meant (a new attribute, a new formula), "
        "waive the guard share_changed for this plan; else correct the query. guards.max_share_changed sets "
        "the limit.",
    )


def _share_removed(facts: Facts) -> Verdict:
    limit = facts.guards.max_share_removed
    base = facts.ledger_users - facts.counts.vanished + facts.removed
    share = facts.removed / base if base > 0 else 0.0
    asked = limit is not None and facts.ledger_users >= facts.guards.min_users
    passed = not asked or share <= (limit or 0.0)
    what = (
        "their attributes would be unset" if facts.settings.removed_rows == "unset" else "they would be kept"
    )
    return Verdict(
        guard="share_removed",
        passed=passed,
        observed=share,
        limit=limit,
        message=""
        if passed
        else f"{facts.removed:,} of {base:,} users ({share:.1%}) vanished from the table since the last send "
        f"({what}); {limit:.1%} is allowed. Check that the sources are complete. If it is meant, waive the "
        "guard share_removed for this plan; guards.max_share_removed sets the limit.",
    )


def _shown(sql: str) -> str:
    """A type as people write it."""
    type = AttributeType.from_sql(sql)
    return str(type) if type.name == "Object" else sql


def _type_change(facts: Facts) -> Verdict:
    refused = {
        name: types for name, types in facts.flipped.items() if name not in facts.guards.allow_type_change
    }
    changes = "; ".join(
        f"`{name}` was {_shown(old)} and is {_shown(new)} now" for name, (old, new) in refused.items()
    )
    return Verdict(
        guard="type_change",
        passed=not refused,
        observed=", ".join(refused) or None,
        message=f"{changes}. Braze ignores values of another type than the attribute has. CAST it back "
        "in the query, or change the type in Braze first and allow it by name under "
        "guards.allow_type_change: it is then sent again for every user."
        if refused
        else "",
    )


def _churny_attributes(facts: Facts) -> Verdict:
    limit = facts.guards.max_churn
    found = {
        name: shares
        for name, shares in facts.churn.items()
        if limit is not None and min(shares) >= limit and min(shares) > 0
    }
    shown = ", ".join(
        f"`{name}` ({sum(shares) / len(shares):.0%} of the users on average)"
        for name, shares in sorted(found.items(), key=lambda item: -sum(item[1]))
    )
    plans = max((len(shares) for shares in found.values()), default=0)
    return Verdict(
        guard="churny_attributes",
        passed=not found,
        allowed=bool(found),
        observed=", ".join(found) or None,
        limit=limit,
        message=f"In each of the last {plans} plans these changed for more than {limit:.0%} of the users: "
        f"{shown}. Each change costs a data point. Give them a bucket in the attribute catalog (green, "
        "yellow, red; a rounder number; a flag), or send them in a sync that runs less often."
        if found
        else "",
    )


def _data_point_budget(facts: Facts) -> Verdict:
    return budget_verdict(facts.counts.data_points, facts.guards.data_point_budget, fewer="attributes")


def _object_bytes(facts: Facts) -> Verdict:
    limit = facts.settings.limits.bytes_per_request
    return Verdict(
        guard="object_bytes",
        passed=True,
        observed=facts.too_large,
        limit=limit,
        message=f"{facts.too_large:,} objects are larger than a request may be ({limit:,} bytes) and are "
        "left out."
        if facts.too_large
        else "",
    )


def _stale_partition(facts: Facts) -> Verdict:
    sent = facts.counts
    return Verdict(
        guard="stale_partition",
        passed=facts.rewinds is None,
        allowed=facts.rewinds is not None,
        observed=facts.header.partition,
        limit=facts.rewinds,
        message=""
        if facts.rewinds is None
        else f"Rewinding was asked for: {sent.attributes:,} values of {sent.objects:,} users, as of "
        f"partition {facts.rewinds}, are overwritten by older ones of partition {facts.header.partition}.",
    )


GUARDS: tuple[Guard[Facts], ...] = (
    Guard("rows_present", "The table has rows, or the ledger has none either.", _rows_present),
    Guard("query_thresholds", "The table has as many rows as its query promises.", _query_thresholds),
    Guard(
        "identifier_present", "Nearly all rows have an identifier, and one of their own.", _identifier_present
    ),
    Guard("shadow_fields", "No custom attribute duplicates a profile field.", _shadow_fields),
    Guard("consent_fields", "Consent is not overwritten: Braze is where people change it.", _consent_fields),
    Guard("new_attributes", "Every attribute is in the ledger or in the catalog.", new_attributes),
    Guard("personal_data", "No personal data goes where the template does not allow it.", personal_data),
    Guard("share_changed", "Not too many of the users that Braze holds change at once.", _share_changed),
    Guard("share_removed", "Not too many users vanished from the table at once.", _share_removed),
    Guard("type_change", "No attribute changes its kind of type, such as number to string.", _type_change),
    Guard("churny_attributes", "No attribute changes for most users with every plan.", _churny_attributes),
    Guard("empty_audience", "No audience lost all its members at once.", empty_audience),
    Guard("overlap", "No other sync of the destination writes the same attribute.", overlap),
    Guard("launch", "A campaign is sent between its start and end, a one-off once only.", launch),
    Guard("data_point_budget", "The plan costs no more data points than the budget.", _data_point_budget),
    Guard("object_bytes", "Objects larger than a request are left out.", _object_bytes),
    Guard(
        "stale_partition", "Newer values are overwritten by older ones only when asked for.", _stale_partition
    ),
)
"""All guards, in the order of their verdicts; every plan has one verdict of each."""
