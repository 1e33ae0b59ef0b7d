"""K11: what becomes of cells that go into the fields every profile has."""

import datetime as dt
from typing import Any

import pytest

from braze_assets.errors import QueryError
from braze_assets_tests.rows.conftest import Build, one


@pytest.mark.parametrize(
    ("name", "expression", "problem"),
    [
        ("dob", "'2000-02-30'", "bad_date"),
        ("dob", "'2000-2-3'", "bad_date"),
        ("dob", "'03/02/2000'", "bad_date"),
        ("dob", "''", "bad_date"),
        ("dob", "DATE '2026-11-22'", "date_in_future"),
        ("dob", "'1899-12-31'", "date_too_early"),
        ("country", "'Germany'", "bad_country"),
        ("country", "'de'", "bad_country"),
        ("country", "'UK'", "bad_country"),
        ("country", "''", "bad_country"),
        ("language", "'eng'", "bad_language"),
        ("language", "'EN'", "bad_language"),
        ("gender", "'Female'", "bad_gender"),
        ("gender", "'f'", "bad_gender"),
        ("phone", "'0301234567'", "bad_phone"),
        ("phone", "'+49 30 1234567'", "bad_phone"),
        ("phone", "'+0301234567'", "bad_phone"),
        ("phone", "'+1234567890123456'", "bad_phone"),
        ("time_zone", "'CEST'", "bad_time_zone"),
        ("time_zone", "'europe/berlin'", "bad_time_zone"),
        ("email", "'jane'", "bad_email"),
        ("email", "'jane@'", "bad_email"),
        ("email", "'jane@example'", "bad_email"),
        ("email", "'jane doe@example.com'", "bad_email"),
        ("email", "'jane@example..com'", "bad_email"),
        ("email", "'jane@a@example.com'", "bad_email"),
        ("email", "'.jane@example.com'", "bad_email"),
        ("email_subscribe", "'yes'", "bad_subscription"),
        ("first_name", "repeat('a', 256)", "too_long"),
    ],
)
def test_profile_fields_are_validated(build: Build, name: str, expression: str, problem: str) -> None:
    """K11: a finding, never a crash and never silently sent; details do not quote the value."""
    value, found = one(build, expression, name=name)
    assert value is None
    assert [code for code, _ in found] == [problem]
    text = expression.strip("'")
    assert not text or text not in found[0][1].split()


@pytest.mark.parametrize(
    ("name", "expression", "value"),
    [
        ("dob", "'2000-02-29'", dt.date(2000, 2, 29)),
        ("dob", "DATE '2026-11-21'", dt.date(2026, 11, 21)),
        ("dob", "NULL::VARCHAR", None),
        ("country", "'DE'", "DE"),
        ("language", "'en'", "en"),
        ("gender", "'P'", "P"),
        ("gender", "NULL::VARCHAR", None),
        ("phone", "'+493012345678'", "+493012345678"),
        ("time_zone", "'America/Argentina/Buenos_Aires'", "America/Argentina/Buenos_Aires"),
        ("email", "'jane.o''hara+x@mail.example.co.uk'", "jane.o'hara+x@mail.example.co.uk"),
        ("email", "'jürgen@müller.de'", "jürgen@müller.de"),
        ("push_subscribe", "'opted_in'", "opted_in"),
        ("email_open_tracking_disabled", "true", True),
        ("date_of_first_session", "DATE '2024-01-01'", dt.date(2024, 1, 1)),
    ],
)
def test_good_profile_fields_pass(build: Build, name: str, expression: str, value: Any) -> None:
    """K11."""
    assert one(build, expression, name=name) == (value, [])


@pytest.mark.parametrize(
    ("name", "expression"), [("dob", "TIMESTAMP '2000-01-01'"), ("phone", "4930"), ("country", "['DE']")]
)
def test_a_profile_field_of_the_wrong_type_is_refused_with_the_remedy(
    build: Build, name: str, expression: str
) -> None:
    with pytest.raises(QueryError) as raised:
        build(f"SELECT id AS external_id,\n  {expression} AS {name} FROM t")
    assert "table.sql:2" in str(raised.value)
    assert f"(column {name})" in str(raised.value)
    assert "CAST" in str(raised.value)
