"""Every check passes, or finds the dirt that is there on purpose; and every one can fail."""

import duckdb
import pytest

from braze_assets.customer_360 import CHECKS, TABLES, TableCheck, checks_of
from braze_assets.errors import SourceError
from braze_assets_tests.customer_360.conftest import DAY, number

CHECK_IDS = [f"{check.table}.{check.name}" for check in CHECKS]
TODAY = {name: f"today.{name}" for name in TABLES}
TWICE = "(FROM {t} UNION ALL (FROM {t} LIMIT 1))"
ONE_LESS = "(FROM {t} OFFSET 1)"


def changed(**columns: str) -> str:
    """The table with these columns set to an expression throughout."""
    return "(SELECT * REPLACE (" + ", ".join(f"{v} AS {k}" for k, v in columns.items()) + ") FROM {t})"


PLANTED = {
    "external_id_is_present": changed(external_id="NULL::VARCHAR"),
    "external_id_is_unique": changed(external_id="'same'"),
    "phone_is_e164": changed(phone="'0800'"),
    "country_is_a_code": changed(country="'Germany'"),
    "gender_is_a_code": changed(gender="'female'"),
    "birthdate_is_past": changed(birthdate="DATE '2026-05-03'"),
    "texts_are_short": changed(city="repeat('x', 256)"),
    "tier_is_known": changed(current_tier="'Tin'"),
    "balance_is_earned": changed(current_balance="lifetime_balance + 1"),
    "amounts_add_up": None,
    "returns_are_negative": changed(is_return="true"),
    "currency_is_a_code": changed(currency="'€'"),
    "nothing_after_the_day": changed(order_datetime="TIMESTAMPTZ '2026-05-03 00:00:00+00'"),
    "sums_of_items": ONE_LESS,
    "sums_of_orders": changed(lifetime_order_revenue="lifetime_order_revenue + 0.01"),
    "windows_are_nested": changed(L30D_order_frequency="L3M_order_frequency + 1"),
    "flags_agree": changed(one_and_done="NOT one_and_done"),
    "scores_in_range": changed(L12M_recency="11"),
    "averages_are_numbers": changed(L12M_average_order_value="'NaN'::DOUBLE"),
    "one_row_a_customer": ONE_LESS,
    "status_is_known": changed(historical_purchaser_lifecycle_status="'Prospect'"),
    "contact_needs_consent": changed(contactable_email="true"),
    "key_is_unique": TWICE,
}


def planted(check: TableCheck) -> str:
    if check.name == "key_is_present":
        return changed(**{TABLES[check.table].key[-1]: "NULL"})
    if check.name == "consent_is_known":
        return changed(**{f"is_{check.table.split('_')[0]}_opted_in": "NULL"})
    if check.name == "amounts_add_up":
        column = "item_revenue" if "itemized" in check.table else "order_revenue"
        return changed(**{column: f"{column} + 0.01"})
    text = PLANTED[check.name]
    assert text is not None
    return text


def violations(con: duckdb.DuckDBPyConnection, check: TableCheck, table: str) -> int:
    return number(con, check.sql(table, day=DAY, upstream=TODAY))


@pytest.mark.parametrize(
    "check", [c for c in CHECKS if c.severity == "error"], ids=lambda c: f"{c.table}.{c.name}"
)
def test_the_sample_does_not_contradict_itself(con: duckdb.DuckDBPyConnection, check: TableCheck) -> None:
    assert violations(con, check, TODAY[check.table]) == 0


@pytest.mark.parametrize("check", CHECKS, ids=CHECK_IDS)
def test_a_check_counts_what_is_wrong(con: duckdb.DuckDBPyConnection, check: TableCheck) -> None:
    before = violations(con, check, TODAY[check.table])
    assert violations(con, check, planted(check).format(t=TODAY[check.table])) > before


def test_a_duplicate_counts_all_its_rows(con: duckdb.DuckDBPyConnection) -> None:
    (check,) = (c for c in checks_of("merged_customers") if c.name == "external_id_is_unique")
    assert violations(con, check, "today.merged_customers") == 2


def test_checks_have_names_of_their_own() -> None:
    assert len(set(CHECK_IDS)) == len(CHECKS)
    assert all(check.description.endswith(".") for check in CHECKS)
    for check in CHECKS:
        assert set(check.reads) <= set(TABLES[check.table].depends_on)


def test_a_check_says_what_it_needs() -> None:
    (check,) = (c for c in CHECKS if c.name == "sums_of_items")
    with pytest.raises(SourceError, match="also reads unified_itemized_transactions"):
        check.sql("today.unified_transactions", day=DAY)
