"""Where people may be found: in the data itself, column by column. Nowhere else."""

import re

from braze_assets_tests.privacy.scan import Find

__all__ = ["ALLOWED", "is_data"]

_PERSONAL = "external_id|email|first_name|phone|hobby"

ALLOWED = {
    "source": rf"tables/customer_360/members/.*#({_PERSONAL})",
    "wanted table": rf"tables/club/.*#({_PERSONAL})",
    "findings": r"tables/club_findings/.*#external_id",
    "plan": r"(tables/club_delta/.*|ledger/club/external_id/plans/.*)#(external_id|object|previous|values)",
    "acknowledged": rf"ledger/club/external_id/acknowledged/.*#({_PERSONAL})",
    "receipts": r"ledger/club/external_id/receipts/.*#(identifier|object|reason)",
    "audit": r"tables/club_audit/.*#(identifier|expected|found)",
    "nested table": r"tables/nest/.*#(external_id|contact|friends|family)",
    "nested plan": r"(tables/nest_delta/.*|ledger/nest/external_id/plans/.*)"
    "#(external_id|object|previous|values)",
    "nested acknowledged": r"ledger/nest/external_id/acknowledged/.*#(external_id|contact|friends|family)",
    "nested receipts": r"ledger/nest/external_id/receipts/.*#(identifier|object|reason)",
    "nested audit": r"tables/nest_audit/.*#(identifier|expected|found)",
    "events": r"tables/visits/.*#(external_id|properties)",
    "plan of events": r"(tables/visits_delta/.*|ledger/visits/events/plans/.*)#(external_id|object)",
    "event ids": r"ledger/visits/events/event_ids/.*#(identifier|object|reason)",
    "receipts of events": r"ledger/visits/events/receipts/.*#(identifier|object|reason)",
    "review of events": r"tables/visits_review/.*#(identifier|object|reason)",
    "Currents events": r"tables/currents/users_messages_email_open/.*#"
    "(user_id|external_user_id|email_address)",
    "email events": r"tables/customer_360/unified_email_events/.*#(email|braze_id|external_user_id)",
    "engagement": r"tables/customer_360/email_engagement_summary/.*#(email|external_user_id)",
    "messages": r"tables/customer_360/message_engagement/.*#(braze_id|external_user_id)",
    "Currents files": r"in/.*\.avro|currents_quarantine/.*\.avro",
}
"""By name, a pattern of the file and the column."""


def is_data(find: Find) -> bool:
    """Whether a find is in a column that is there to hold it, or among the statistics of its Parquet file."""
    if find.mark in ("api key", "half an api key", "S3 secret"):
        return False
    if find.kind == "file":
        return bool(re.fullmatch(ALLOWED["Currents files"], find.where))
    return find.kind in ("column", "statistics") and any(
        re.fullmatch(pattern, find.where) for pattern in ALLOWED.values()
    )
