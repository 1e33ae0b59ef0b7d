"""K13, X12: which names are Braze's own, and which only look like it."""

import pytest

from braze_assets.braze.codes import country_codes, language_codes, time_zones
from braze_assets.braze.fields import (
    CONSENT_FIELDS,
    CONTROL_KEYS,
    PROFILE_FIELDS,
    RESERVED_KEYS,
    billed,
    shadowed_field,
)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("birthday", "dob"),
        ("Birthdate", "dob"),
        ("birth_date", "dob"),
        ("date_of_birth", "dob"),
        ("DOB", "dob"),
        ("surname", "last_name"),
        ("lastname", "last_name"),
        ("Last Name", "last_name"),
        ("given_name", "first_name"),
        ("firstName", "first_name"),
        ("Email", "email"),
        ("e-mail", "email"),
        ("phone_number", "phone"),
        ("city", "home_city"),
        ("tz", "time_zone"),
        ("Time Zone", "time_zone"),
        ("sex", "gender"),
        ("Country", "country"),
        ("emailSubscribe", "email_subscribe"),
        ("External_ID", "external_id"),
    ],
)
def test_names_that_duplicate_a_field_are_seen(name: str, field: str) -> None:
    """K13."""
    assert shadowed_field(name) == field


@pytest.mark.parametrize(
    "name", ["city_tier", "last_email_open", "loyalty_tier", "is_birthday_month", "age", "名前"]
)
def test_other_custom_attributes_shadow_nothing(name: str) -> None:
    assert shadowed_field(name) is None


def test_a_field_does_not_shadow_itself() -> None:
    assert all(shadowed_field(name) is None for name in (*PROFILE_FIELDS, *RESERVED_KEYS))


def test_every_field_in_another_case_shadows_it() -> None:
    """K13: names are case-sensitive."""
    assert all(shadowed_field(name.upper()) == name for name in PROFILE_FIELDS)


def test_consent_is_not_billed_and_is_told_apart() -> None:
    """X12: consent fields are known by name."""
    assert frozenset({"email_subscribe", "push_subscribe", "subscription_groups"}) == CONSENT_FIELDS
    assert not any(billed(name) for name in (*CONSENT_FIELDS, "push_tokens", *CONTROL_KEYS, "external_id"))
    assert all(billed(name) for name in ("first_name", "email", "dob", "country", "my_attribute", "Email"))


def test_codes() -> None:
    """K11."""
    assert {"DE", "US", "GB", "JP"} <= country_codes()
    assert not {"de", "UK", "DEU"} & country_codes()
    assert {"de", "en", "ja"} <= language_codes()
    assert {"Europe/Berlin", "America/New_York", "UTC"} <= time_zones()
    assert not {"Factory", "Eastern Time (US & Canada)"} & time_zones()
