"""What should be true of the tables, those of the sample or one's own.

Warnings are for the dirt every Customer 360 has, and the sample has on purpose. Errors are for tables that
contradict themselves.
"""

from braze_assets.customer_360.loyalty import TIERS
from braze_assets.customer_360.sample import TABLES
from braze_assets.customer_360.table_check import TableCheck, never, of_key

__all__ = ["CHECKS", "checks_of"]

_LONGEST = 255  # characters Braze keeps of a text
_COUNTRY, _CURRENCY, _PHONE = "[A-Z]{2}", "[A-Z]{3}", r"\+[1-9][0-9]{7,14}"

_PEOPLE = (
    never(
        "merged_customers",
        "external_id_is_present",
        "Every customer has an external id.",
        "external_id IS NULL",
    ),
    TableCheck(
        table="merged_customers",
        name="external_id_is_unique",
        description="No two customers have the same external id.",
        query="""SELECT unnest(range(n)) FROM (SELECT count(*) AS n FROM merged_customers
            WHERE external_id IS NOT NULL GROUP BY external_id HAVING n > 1)""",
        severity="warn",
    ),
    never(
        "merged_customers",
        "phone_is_e164",
        "Telephone numbers are in E.164 form.",
        f"NOT regexp_full_match(phone, '{_PHONE}')",
    ),
    never(
        "merged_customers",
        "country_is_a_code",
        "Countries have the form of an ISO 3166-1 alpha-2 code.",
        f"NOT regexp_full_match(country, '{_COUNTRY}')",
    ),
    never(
        "merged_customers",
        "gender_is_a_code",
        "Gender is F, M, O, N or P.",
        "gender NOT IN ('F', 'M', 'O', 'N', 'P')",
    ),
    never("merged_customers", "birthdate_is_past", "No birthdate is in the future.", "birthdate > $day"),
    never(
        "merged_customers",
        "texts_are_short",
        f"No name, city or company is longer than {_LONGEST} characters.",
        f"greatest(length(given_name), length(surname), length(city), length(company)) > {_LONGEST}",
    ),
    never(
        "email_opt_status",
        "consent_is_known",
        "Consent is true or false.",
        "is_email_opted_in IS NULL",
    ),
    never("sms_opt_status", "consent_is_known", "Consent is true or false.", "is_sms_opted_in IS NULL"),
    never(
        "unified_loyalty",
        "tier_is_known",
        f"Tiers are {', '.join(tier for tier, _ in TIERS)}.",
        f"current_tier IS NULL OR current_tier NOT IN ({', '.join(repr(tier) for tier, _ in TIERS)})",
    ),
    never(
        "unified_loyalty",
        "balance_is_earned",
        "Nobody has more points than they ever earned, or less than none.",
        "current_balance NOT BETWEEN 0 AND lifetime_balance",
        error=True,
    ),
)

_ORDERS = (
    never(
        "unified_itemized_transactions",
        "amounts_add_up",
        "Revenue is the subtotal less the discount, and profit is revenue less cost.",
        "item_revenue <> item_subtotal - item_discount_amount OR item_profit <> item_revenue - item_cost",
        error=True,
    ),
    never(
        "unified_itemized_transactions",
        "returns_are_negative",
        "What was returned or cancelled has no positive quantity or revenue.",
        "(is_return OR is_cancellation) AND (item_quantity > 0 OR item_revenue > 0)",
        error=True,
    ),
    never(
        "unified_itemized_transactions",
        "currency_is_a_code",
        "Currencies have the form of an ISO 4217 code.",
        f"currency IS NULL OR NOT regexp_full_match(currency, '{_CURRENCY}')",
    ),
    *(
        never(
            table,
            "nothing_after_the_day",
            "No order is from after the day of the snapshot.",
            "order_datetime >= $day_end",
            error=True,
        )
        for table in ("unified_itemized_transactions", "unified_transactions")
    ),
    never(
        "unified_transactions",
        "amounts_add_up",
        "Net revenue is revenue, less what was returned and cancelled.",
        "net_order_revenue <> order_revenue + order_returned_revenue + order_canceled_revenue",
        error=True,
    ),
    TableCheck(
        table="unified_transactions",
        name="sums_of_items",
        description="Every order is the sum of its items, and no order is missing.",
        query="""SELECT 1 FROM unified_transactions AS o FULL JOIN (
                SELECT order_id, sum(item_revenue) AS revenue, count(*) AS items
                FROM unified_itemized_transactions GROUP BY order_id
            ) AS i ON o.order_id = i.order_id
            WHERE o.net_order_revenue IS DISTINCT FROM i.revenue
                OR o.order_id IS NULL OR i.order_id IS NULL""",
        severity="error",
        reads=("unified_itemized_transactions",),
    ),
)

_PURCHASERS = (
    TableCheck(
        table="transaction_attributes_extended",
        name="sums_of_orders",
        description="Lifetime revenue and frequency are those of the orders, and no purchaser is missing.",
        query="""SELECT 1 FROM transaction_attributes_extended AS t FULL JOIN (
                SELECT amperity_id, sum(order_revenue) AS revenue, count(*) AS orders
                FROM unified_transactions WHERE order_quantity > 0 AND amperity_id IS NOT NULL
                GROUP BY amperity_id
            ) AS o ON t.amperity_id = o.amperity_id
            WHERE t.lifetime_order_revenue IS DISTINCT FROM o.revenue
                OR t.lifetime_order_frequency IS DISTINCT FROM o.orders""",
        severity="error",
        reads=("unified_transactions",),
    ),
    never(
        "transaction_attributes_extended",
        "windows_are_nested",
        "A longer window has no fewer orders than a shorter one within it.",
        "NOT (L30D_order_frequency <= L3M_order_frequency AND L3M_order_frequency <= L6M_order_frequency"
        " AND L6M_order_frequency <= L12M_order_frequency"
        " AND L12M_order_frequency + LY12M_order_frequency <= lifetime_order_frequency)",
        error=True,
    ),
    never(
        "transaction_attributes_extended",
        "flags_agree",
        "One-and-done, early repeat and multi-channel agree with the numbers they follow from.",
        "one_and_done <> (lifetime_order_frequency = 1) OR one_and_done <> (second_order_id IS NULL)"
        " OR early_repeat_purchaser <> coalesce(first_to_second_order_days <= 84, false)"
        " OR multi_purchase_channel <> (lifetime_purchase_channels > 1)",
        error=True,
    ),
    never(
        "transaction_attributes_extended",
        "scores_in_range",
        "RFM scores are there for whoever bought in the last 12 months, from 1 to 10 each.",
        "(L12M_order_frequency > 0) <> (L12M_rfm_score IS NOT NULL)"
        " OR least(L12M_recency, L12M_frequency, L12M_monetary) < 1"
        " OR greatest(L12M_recency, L12M_frequency, L12M_monetary) > 10",
        error=True,
    ),
    never(
        "transaction_attributes_extended",
        "averages_are_numbers",
        "No average is NaN or infinite.",
        "NOT isfinite(L12M_average_order_value) OR NOT isfinite(lifetime_average_order_value)",
    ),
    TableCheck(
        table="customer_attributes",
        name="one_row_a_customer",
        description="The customers are those of merged_customers.",
        query="""SELECT 1 FROM customer_attributes AS a
            FULL JOIN merged_customers AS m ON a.amperity_id = m.amperity_id
            WHERE a.amperity_id IS NULL OR m.amperity_id IS NULL""",
        severity="error",
        reads=("merged_customers",),
    ),
    never(
        "customer_attributes",
        "status_is_known",
        "Lifecycle status is one of the five, and Prospect for those who never bought.",
        "historical_purchaser_lifecycle_status IS NULL OR historical_purchaser_lifecycle_status"
        " NOT IN ('New', 'Active', 'Lapsed', 'Dormant', 'Prospect')"
        " OR is_prospect <> (historical_purchaser_lifecycle_status = 'Prospect')"
        " OR is_prospect = is_purchaser",
        error=True,
    ),
    never(
        "customer_attributes",
        "contact_needs_consent",
        "Nobody counts as reachable by e-mail or text without consent.",
        "contactable_email AND NOT is_opted_into_email OR contactable_phone AND NOT is_opted_into_sms",
        error=True,
    ),
)

CHECKS: tuple[TableCheck, ...] = (
    *(check for table in TABLES.values() for check in of_key(table)),
    *_PEOPLE,
    *_ORDERS,
    *_PURCHASERS,
)
"""All checks."""


def checks_of(table: str) -> tuple[TableCheck, ...]:
    """The checks of a table."""
    return tuple(check for check in CHECKS if check.table == table)
