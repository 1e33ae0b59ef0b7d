"""What becomes of the standard profile fields (X11)."""

import pytest

from braze_assets.braze.fields import PROFILE_FIELDS
from braze_assets.emulator.standard import FREE_OF_CHARGE, STANDARD_FIELDS
from braze_assets_tests.emulator.helpers import held, put, send, workspace

IGNORED = object()


def test_the_fields_are_those_the_project_knows():
    assert STANDARD_FIELDS.keys() == PROFILE_FIELDS.keys()
    assert frozenset(name for name, field in PROFILE_FIELDS.items() if not field.billed) == FREE_OF_CHARGE


@pytest.mark.parametrize(
    ("field", "sent", "stored"),
    [
        ("country", "US", "US"),
        ("country", "Australia", "AU"),
        ("country", "de", "DE"),
        ("country", "Atlantis", None),
        ("country", 5, None),
        ("language", "EN", "en"),
        ("language", "xx", IGNORED),
        ("language", "english", IGNORED),
        ("time_zone", "America/New_York", "America/New_York"),
        ("time_zone", "Eastern Time (US & Canada)", "Eastern Time (US & Canada)"),
        ("time_zone", "Mars/Olympus", IGNORED),
        ("time_zone", "", IGNORED),
        ("gender", "F", "F"),
        ("gender", "female", IGNORED),
        ("dob", "1980-02-29", "1980-02-29"),
        ("dob", "1981-02-29", IGNORED),
        ("dob", "02/03/1980", IGNORED),
        ("first_name", "", ""),
        ("first_name", "x" * 256, IGNORED),
        ("first_name", 5, IGNORED),
        ("email_open_tracking_disabled", True, True),
        ("email_open_tracking_disabled", "yes", IGNORED),
        ("date_of_first_session", "2026-11-22 10:00:00", "2026-11-22 10:00:00"),
        ("date_of_last_session", "yesterday", IGNORED),
        ("current_location", {"longitude": 1, "latitude": 2.5}, {"longitude": 1, "latitude": 2.5}),
        ("facebook", {"id": "1", "num_friends": 2}, {"id": "1", "num_friends": 2}),
        ("twitter", "me", IGNORED),
        ("email", "A@example.com", "A@example.com"),
        ("email_subscribe", "opted_in", "opted_in"),
    ],
)
def test_values(field, sent, stored):
    """Unfit ones are ignored without an error; an unknown country empties the field (documented)."""
    space = workspace()
    before = {"country": "FR"} if stored is None else {}
    put(space, **before)
    assert put(space, **{field: sent}) == ({} if stored is None or stored is IGNORED else {field: stored})


def test_an_ignored_value_leaves_the_old_one():
    space = workspace()
    put(space, time_zone="UTC", first_name="Ann")
    assert put(space, time_zone="nowhere", first_name="x" * 300) == {"time_zone": "UTC", "first_name": "Ann"}


def test_null_removes():
    space = workspace()
    put(space, first_name="Ann", email="a@b.co", country="US")
    assert put(space, first_name=None, email=None, country=None) == {}


def test_names_are_case_sensitive():
    """`Email` is a custom attribute, and anything goes there."""
    assert put(workspace(), Email="nonsense") == {"Email": "nonsense"}


def test_subscription_groups_keep_those_not_named():
    space = workspace()
    one, two = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
    put(space, subscription_groups=[{"subscription_group_id": one, "subscription_state": "subscribed"}])
    put(space, subscription_groups=[{"subscription_group_id": two, "subscription_state": "unsubscribed"}])
    assert [group["subscription_group_id"] for group in held(space)["subscription_groups"]] == [one, two]


def test_data_points():
    """Attributes set cost one, removals and consent none, nested ones by key, unchanged ones again."""
    space = workspace()
    for expected, attributes in [
        (2, {"first_name": "Ann", "tier": "gold"}),
        (2, {"first_name": "Ann", "tier": "gold"}),
        (0, {"first_name": None, "tier": None}),
        (0, {"email_subscribe": "opted_in"}),
        (1, {"food": ["a", "b", "c"]}),
        (2, {"food": {"add": ["d", "e"]}}),
        (0, {"food": {"remove": ["d"]}}),
        (3, {"pet": {"name": "Rex", "home": {"city": "Bonn"}}}),
        (0, {"pet": None}),
        (0, {"time_zone": "nowhere", "note": "x" * 300}),
        (1, {"visits": {"inc": 1}}),
        (1, {"country": "US"}),
    ]:
        before = space.counters.data_points
        put(space, **attributes)
        assert space.counters.data_points - before == expected, attributes


def test_a_user_who_is_not_there_costs_nothing():
    space = workspace()
    send(space, {"external_id": "nobody", "tier": "gold", "_update_existing_only": True})
    assert space.counters.data_points == 0
