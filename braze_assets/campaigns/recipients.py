"""The recipients of a campaign, from the receipts of its ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.campaigns.audience_sql import Audience, members_sql
from braze_assets.storage import quote_identifier, quote_literal

__all__ = ["RecipientsQuery"]


@dataclass(frozen=True, kw_only=True)
class RecipientsQuery:
    """Recipients of one partition: who was told of a treatment, and who is control.

    Args:
        campaign: Its name for people.
        campaign_id: The name of its table.
        destination: Where it went.
        segments: The segments it includes.
        audiences: By treatment.
        customers: The table of the customers.
        key: Its column that tells customers apart.
        identifier: What Braze knows them by.
        partition: The partition, None without.
    """

    campaign: str
    campaign_id: str
    destination: str
    segments: tuple[str, ...]
    audiences: Mapping[str, Audience]
    customers: str
    key: str
    identifier: IdentifierKind
    partition: str | None

    def sql(self, sends: Mapping[str, datetime], receipts: str | None) -> str:
        """The rows; none where nothing was sent for the partition.

        Args:
            sends: The plans that were sent for it, and when each began.
            receipts: A table expression of the ledger's receipts; None when there are none.
        """
        plans = ", ".join(f"({quote_literal(p)}, {_time(t)})" for p, t in sends.items())
        known = (
            f"SELECT * FROM (VALUES {plans}) AS p(plan_id, launched)"
            if plans
            else "SELECT NULL::VARCHAR AS plan_id, NULL::TIMESTAMPTZ AS launched WHERE false"
        )
        parts = [self._told("_plans", receipts)] if receipts else []
        parts.append(self._control())
        place = f"{quote_literal(self.campaign_id)}, {quote_literal(self.destination)}"
        key = f"concat_ws('|', {place}, amperity_id"
        return (
            f"WITH _plans AS ({known})\n"
            f"SELECT md5({key}, {quote_literal(self.partition or '')}, coalesce(workflow_id, ''), "
            "coalesce(treatment_name, ''))) AS pk, "
            f"amperity_id, {quote_literal(self.campaign_id)} AS campaign_id, "
            f"{quote_literal(self.campaign)} AS campaign_name, treatment_name, is_control, "
            "launch_datetime, delivery_datetime, "
            f"{quote_literal(self.destination)} AS destination_name, "
            f"{quote_literal(', '.join(self.segments))} AS segment_name, "
            f"{quote_literal(self.partition) if self.partition else 'NULL::VARCHAR'} AS dataset_version, "
            f"workflow_id FROM ({' UNION ALL '.join(parts)})"
        )

    def _told(self, plans: str, receipts: str) -> str:
        """Accepted objects that set the attribute of a treatment."""
        paths = {name: f'$."{each.attribute}"' for name, each in self.audiences.items()}
        cases = " ".join(
            f"WHEN json_extract_string(r.object, {quote_literal(path)}) = 'true' THEN {quote_literal(name)}"
            for name, path in paths.items()
        )
        identifier = quote_identifier(self.identifier)
        known = f"CAST(c.{identifier} AS VARCHAR)"
        if self.identifier == "user_alias":
            known = "to_json({'alias_name': c.alias_name, 'alias_label': c.alias_label})::VARCHAR"
        return (
            f"SELECT CAST(c.{quote_identifier(self.key)} AS VARCHAR) AS amperity_id, "
            f"nullif(CASE {cases} END, '') AS treatment_name, false AS is_control, "
            "p.launched AS launch_datetime, r.time AS delivery_datetime, r.plan_id AS workflow_id "
            f"FROM {receipts} AS r JOIN {plans} AS p USING (plan_id) "
            f"JOIN {quote_identifier(self.customers)} AS c ON {known} = r.identifier "
            f"WHERE r.outcome = 'accepted' AND CASE {cases} END IS NOT NULL"
        )

    def _control(self) -> str:
        """Members who are control, once something was sent for the partition; each once a partition."""
        audience = next(iter(self.audiences.values()))
        if audience.retired:
            return (
                "SELECT NULL::VARCHAR AS amperity_id, NULL::VARCHAR AS treatment_name, true AS is_control, "
                "NULL::TIMESTAMPTZ AS launch_datetime, NULL::TIMESTAMPTZ AS delivery_datetime, "
                "NULL::VARCHAR AS workflow_id WHERE false"
            )
        key = quote_identifier(self.key)
        treatment = audience.split.sql(key) if audience.split else "''"
        return (
            f"SELECT CAST({key} AS VARCHAR) AS amperity_id, NULL::VARCHAR AS treatment_name, "
            "true AS is_control, (SELECT min(launched) FROM _plans) AS launch_datetime, "
            "NULL::TIMESTAMPTZ AS delivery_datetime, NULL::VARCHAR AS workflow_id "
            f"FROM ({members_sql(audience, self.key)}) "
            f"WHERE ({treatment}) IS NULL AND (SELECT count(*) FROM _plans) > 0"
        )


def _time(time: datetime) -> str:
    return f"TIMESTAMPTZ {quote_literal(time.isoformat())}"
