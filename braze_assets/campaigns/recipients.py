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
        array: The one attribute whose items are the names of the audiences, instead of booleans.
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
    array: str | None
    customers: str
    key: str
    identifier: IdentifierKind
    partition: str | None

    def sql(self, sends: Mapping[str, datetime], launched: datetime | None, receipts: str | None) -> str:
        """The rows, each with a `pk` of its own; none where nothing was sent for the partition.

        Args:
            sends: The plans that were sent for it, tests included, and when each began.
            launched: When the first whole plan of it began; without, nobody is control yet.
            receipts: A table expression of their receipts; None when there are none.
        """
        plans = ", ".join(f"({quote_literal(p)}, {_time(t)})" for p, t in sends.items())
        parts = [_NOBODY]
        if receipts and plans:
            parts.append(self._told(f"(VALUES {plans}) AS p(plan_id, launched)", receipts))
        if launched and not next(iter(self.audiences.values())).retired:
            parts.append(self._control(launched))
        place = f"{quote_literal(self.campaign_id)}, {quote_literal(self.destination)}"
        partition = quote_literal(self.partition or "")
        return (
            f"SELECT md5(concat_ws('|', {place}, who, {partition}, coalesce(workflow_id, ''), "
            "coalesce(treatment_name, ''))) AS pk, "
            f"amperity_id, {quote_literal(self.campaign_id)} AS campaign_id, "
            f"{quote_literal(self.campaign)} AS campaign_name, treatment_name, is_control, "
            "launch_datetime, delivery_datetime, "
            f"{quote_literal(self.destination)} AS destination_name, "
            f"{quote_literal(', '.join(self.segments))} AS segment_name, "
            f"{quote_literal(self.partition) if self.partition else 'NULL::VARCHAR'} AS dataset_version, "
            f"workflow_id FROM ({' UNION ALL '.join(parts)}) "
            # What was sent again after a reply that was lost has two receipts.
            "QUALIFY row_number() OVER (PARTITION BY pk ORDER BY delivery_datetime, amperity_id) = 1"
        )

    def _told(self, plans: str, receipts: str) -> str:
        """Accepted objects that told of a treatment; of customers too who are not in the table any more."""
        cases = " ".join(
            f"WHEN {self._tells(each)} THEN {quote_literal(name)}" for name, each in self.audiences.items()
        )
        identifier = quote_identifier(self.identifier)
        known = f"CAST(c.{identifier} AS VARCHAR)"
        if self.identifier == "user_alias":
            known = "to_json({'alias_name': c.alias_name, 'alias_label': c.alias_label})::VARCHAR"
        return (
            f"SELECT r.identifier AS who, CAST(c.{quote_identifier(self.key)} AS VARCHAR) AS amperity_id, "
            f"nullif(CASE {cases} END, '') AS treatment_name, false AS is_control, "
            "p.launched AS launch_datetime, r.time AS delivery_datetime, r.plan_id AS workflow_id "
            f"FROM {receipts} AS r JOIN {plans} USING (plan_id) "
            f"LEFT JOIN {quote_identifier(self.customers)} AS c ON {known} = r.identifier "
            f"WHERE r.outcome = 'accepted' AND CASE {cases} END IS NOT NULL"
        )

    def _tells(self, audience: Audience) -> str:
        """SQL: the object says that the user is in the audience."""
        if self.array is None:
            return f"r.object ->> {_pointer(audience.attribute)} = 'true'"
        # The array as a whole, or the items that are added to it.
        name = quote_literal(audience.name)
        arrays = [f"(r.object -> {_pointer(self.array, *more)})" for more in ((), ("add",))]
        return " OR ".join(f"list_contains(json_extract_string({each}, '$[*]'), {name})" for each in arrays)

    def _control(self, launched: datetime) -> str:
        """Members who are control, each once a partition."""
        audience = next(iter(self.audiences.values()))
        key = quote_identifier(self.key)
        treatment = audience.split.sql(key) if audience.split else "''"
        return (
            f"SELECT CAST({key} AS VARCHAR) AS who, who AS amperity_id, NULL::VARCHAR AS treatment_name, "
            f"true AS is_control, {_time(launched)} AS launch_datetime, "
            "NULL::TIMESTAMPTZ AS delivery_datetime, NULL::VARCHAR AS workflow_id "
            f"FROM ({members_sql(audience, self.key)}) WHERE ({treatment}) IS NULL"
        )


_NOBODY = (
    "SELECT NULL::VARCHAR AS who, NULL::VARCHAR AS amperity_id, NULL::VARCHAR AS treatment_name, "
    "false AS is_control, NULL::TIMESTAMPTZ AS launch_datetime, NULL::TIMESTAMPTZ AS delivery_datetime, "
    "NULL::VARCHAR AS workflow_id WHERE false"
)


def _pointer(*names: str) -> str:
    return quote_literal("".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names))


def _time(time: datetime) -> str:
    return f"TIMESTAMPTZ {quote_literal(time.isoformat())}"
