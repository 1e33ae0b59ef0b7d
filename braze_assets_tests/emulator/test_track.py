"""`/users/track`: which objects are taken, and what is said about the others (X11)."""

import pytest

from braze_assets_tests.emulator.helpers import call, held, send, workspace

ONE_ONLY = "You must specify only one of 'external_id', 'user_alias' or 'braze_id'"
REQUIRED = "'external_id', 'braze_id', 'user_alias', 'email' or 'phone' is required"
BAD_EMAIL = "The value provided for the 'email' field is not a valid email."
NOTHING_VALID = "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields."
ALIAS = {"alias_name": "a", "alias_label": "l"}
GROUP = "11111111-1111-1111-1111-111111111111"
EVENT = {"external_id": "u", "name": "seen", "time": "2026-11-22T10:00:00Z"}
PURCHASE = {
    "external_id": "u",
    "product_id": "hat",
    "currency": "USD",
    "price": 9.99,
    "time": "2026-11-22T10:00:00Z",
}


def test_the_measured_mixed_answer():
    """The shape and texts somebody measured: five objects, three errors, status 201."""
    space = workspace()
    document = send(
        space,
        {"external_id": "a", "first_name": "Ann"},
        {"external_id": "b", "email_subscribe": "yes"},
        {"external_id": "c", "first_name": "Cleo"},
        {"external_id": "d", "push_subscribe": "no"},
        {"external_id": "e", "braze_id": "5f"},
    )
    subscribe = "'{}' must be 'subscribed', 'unsubscribed', or 'opted_in'"
    assert document == {
        "status": 201,
        "message": "success",
        "attributes_processed": 2,
        "errors": [
            {"index": 1, "input_array": "attributes", "type": subscribe.format("email_subscribe")},
            {"index": 3, "input_array": "attributes", "type": subscribe.format("push_subscribe")},
            {"index": 4, "input_array": "attributes", "type": ONE_ONLY},
        ],
    }
    assert set(space.profiles.by_external_id) == {"a", "c"}  # a refused object changes nothing
    counters = space.counters
    assert (counters.objects, counters.accepted, counters.rejected) == (5, 2, 3)


def test_all_valid_has_no_errors():
    assert send(workspace(), {"external_id": "a"}) == {
        "status": 201,
        "message": "success",
        "attributes_processed": 1,
    }


def test_nothing_valid_is_a_400_with_indexes():
    assert send(workspace(), {"first_name": "Ann"}) == {
        "status": 400,
        "message": NOTHING_VALID,
        "errors": [{"type": REQUIRED, "input_array": "attributes", "index": 0}],
    }


@pytest.mark.parametrize("body", [b"{}", b"[]", b'"x"', b'{"attributes":[]}', b'{"partner":"x"}'])
def test_nothing_at_all_is_a_400(body):
    assert call(workspace(), "/users/track", body).status == 400


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        ({}, REQUIRED),
        ({"external_id": ""}, REQUIRED),
        ({"external_id": None, "braze_id": None}, REQUIRED),
        ({"external_id": 5}, "'external_id' must be a string"),
        ({"external_id": "a", "user_alias": ALIAS}, ONE_ONLY),
        ({"user_alias": ALIAS, "braze_id": "b"}, ONE_ONLY),
        (
            {"user_alias": {"alias_name": "a"}},
            "'user_alias' must be an object with 'alias_name' and 'alias_label'",
        ),
        ({"user_alias": "a"}, "'user_alias' must be an object with 'alias_name' and 'alias_label'"),
        ({"external_id": "x" * 988}, "EXTERNAL_USER_ID_TOO_LARGE"),
        ({"external_id": "é" * 494}, "EXTERNAL_USER_ID_TOO_LARGE"),
        ({"external_id": "dummy"}, "provided external_id is blacklisted and disallowed"),
        ({"external_id": "u", "email": "nope"}, BAD_EMAIL),
        ({"external_id": "u", "email": "a@b"}, BAD_EMAIL),
        ({"external_id": "u", "email": "a b@c.de"}, BAD_EMAIL),
        ({"external_id": "u", "email": 5}, BAD_EMAIL),
        ({"external_id": "u", "current_location": [1, 2]}, "BAD_LOCATION_UPDATE"),
        ({"external_id": "u", "current_location": {"longitude": 1}}, "BAD_LOCATION_UPDATE"),
        ({"external_id": "u", "subscription_groups": {}}, "BAD_SUBSCRIPTION_GROUP_ARRAY"),
        ({"external_id": "u", "subscription_groups": ["x"]}, "BAD_SUBSCRIPTION_GROUP_HASH"),
        (
            {"external_id": "u", "subscription_groups": [{"subscription_group_id": 5}]},
            "BAD_SUBSCRIPTION_GROUP_ID",
        ),
        (
            {"external_id": "u", "subscription_groups": [{"subscription_group_id": GROUP}]},
            "BAD_SUBSCRIPTION_GROUP_STATE",
        ),
        ({"external_id": "u", "push_tokens": "t"}, "BAD_PUSH_TOKEN_VALUE"),
        ({"external_id": "u", "push_tokens": [{"token": "t"}]}, "BAD_PUSH_TOKEN_APP_ID"),
        ({"external_id": "u", "push_tokens": [{"app_id": "a", "token": 5}]}, "BAD_PUSH_TOKEN_STRING"),
        (
            {"external_id": "u", "push_tokens": [{"app_id": "a", "token": "t", "device_id": "short"}]},
            "BAD_DEVICE_ID",
        ),
        ({"push_token_import": True, "external_id": "u", "push_tokens": []}, "BAD_PUSH_TOKEN_IMPORT"),
        ({"push_token_import": True}, "BAD_PUSH_TOKEN_IMPORT"),
        ({"external_id": "u", "email_subscription_info": 1}, "INVALID_ATTRIBUTE_EMAIL_SUBSCRIPTION_INFO"),
        ("text", "attributes must be an array of objects"),
    ],
)
def test_refused_attributes(item, problem):
    space = workspace(blocked_users=("dummy",))
    document = send(space, {"external_id": "good"}, item)
    assert document["attributes_processed"] == 1
    assert document["errors"] == [{"index": 1, "input_array": "attributes", "type": problem}]
    assert set(space.profiles.by_external_id) == {"good"}


@pytest.mark.parametrize(
    "item",
    [
        {"external_id": "x" * 987},
        {"external_id": "é" * 493},
        {"email": "only@example.com"},
        {"phone": "+15550100"},
        {"external_id": "u", "email": None},
        {"external_id": "u", "email": "o'neil+tag@sub.example.co.uk"},
        {"external_id": "u", "unknown_key": {"a": None}},
        {"push_token_import": True, "push_tokens": [{"app_id": "a", "token": "t", "device_id": "12345678"}]},
        {"external_id": "\ud800"},
    ],
)
def test_accepted_attributes(item):
    assert send(workspace(), item) == {"status": 201, "message": "success", "attributes_processed": 1}


@pytest.mark.parametrize(
    ("array", "item", "problem"),
    [
        ("events", {"name": "seen", "time": "2026-11-22"}, REQUIRED),
        ("events", {**EVENT, "name": ""}, "'name' is required"),
        ("events", {**EVENT, "time": "soon"}, "'time' is not valid"),
        ("events", {**EVENT, "properties": []}, "'properties' is not valid"),
        ("purchases", {**PURCHASE, "quantity": 0}, "'quantity' is not valid"),
        ("purchases", {**PURCHASE, "quantity": 101}, "'quantity' is not valid"),
        ("purchases", {**PURCHASE, "price": "9"}, "'price' is not valid"),
        ("purchases", {**PURCHASE, "product_id": None}, "'product_id' is required"),
        ("purchases", {**PURCHASE, "time": None}, "'time' is not valid"),
    ],
)
def test_refused_events_and_purchases(array, item, problem):
    document = send(workspace(), {"external_id": "u"}, **{array: [item]})
    assert document["errors"] == [{"index": 0, "input_array": array, "type": problem}]
    assert (document["attributes_processed"], document[f"{array}_processed"]) == (1, 0)


def test_indexes_count_inside_their_array():
    document = send(workspace(), {}, {"external_id": "u"}, events=[EVENT, {}], purchases=[{}, PURCHASE])
    places = [(error["input_array"], error["index"]) for error in document["errors"]]
    assert places == [("attributes", 0), ("events", 1), ("purchases", 0)]
    processed = [document[f"{array}_processed"] for array in ("attributes", "events", "purchases")]
    assert processed == [1, 1, 1]


@pytest.mark.parametrize(
    ("mode", "attributes", "events", "status"),
    [
        ("combined", 75, 0, 201),
        ("combined", 76, 0, 400),
        ("combined", 40, 36, 400),
        ("legacy", 75, 75, 201),
        ("legacy", 1, 76, 400),
    ],
)
def test_object_limits(mode, attributes, events, status):
    """75 together, or 75 in each array under older contracts; over it nothing is applied."""
    space = workspace(object_limit=mode)
    body = {"attributes": [{"external_id": f"u{n}"} for n in range(attributes)], "events": [EVENT] * events}
    reply = call(space, "/users/track", body)
    assert reply.status == status
    assert (b"Max Input Length Exceeded" in reply.body) == (status == 400)
    assert len(space.profiles) == (0 if status == 400 else attributes + bool(events))


def test_attributes_then_events_then_purchases():
    """The order inside one request is documented: an event may rely on the user its attributes made."""
    space = workspace()
    event, purchase = ({**item, "_update_existing_only": True} for item in (EVENT, PURCHASE))
    send(space, purchases=[purchase], events=[event], attributes=[{"external_id": "u"}])
    profile = space.profiles.by_external_id["u"]
    assert profile.events["seen"]["count"] == profile.purchases["hat"]["count"] == 1


def test_events_are_not_deduplicated_and_capped_in_full():
    space = workspace(kept_events=2)
    for day in ("20", "22", "21"):
        send(space, events=[{**EVENT, "time": f"2026-11-{day}"}, {**EVENT, "time": f"2026-11-{day}"}])
    seen = space.profiles.by_external_id["u"].events["seen"]
    assert (seen["count"], seen["first"], seen["last"], len(seen["recent"])) == (
        6,
        "2026-11-20",
        "2026-11-22",
        2,
    )


def test_revenue():
    space = workspace()
    send(space, purchases=[PURCHASE, {**PURCHASE, "quantity": 2}])
    profile = space.profiles.by_external_id["u"]
    assert (profile.purchases["hat"]["count"], round(profile.revenue, 2)) == (2, 29.97)
    assert space.counters.data_points == 2


class TestWhoIsMeant:
    def test_updates_only(self):
        space = workspace()
        send(space, {"external_id": "u", "_update_existing_only": True, "tier": 1})
        assert len(space.profiles) == 0
        send(space, {"external_id": "u", "_update_existing_only": False, "tier": 1})
        send(space, {"external_id": "u", "_update_existing_only": True, "tier": 2})
        assert held(space) == {"tier": 2}

    def test_an_alias_is_updates_only_unless_said(self):
        space = workspace()
        send(space, {"user_alias": ALIAS, "tier": 1})
        assert len(space.profiles) == 0
        send(space, {"user_alias": ALIAS, "tier": 1, "_update_existing_only": False})
        send(space, {"user_alias": ALIAS, "tier": 2})
        assert space.profiles.by_alias["l", "a"].attributes == {"tier": 2}

    def test_a_braze_id_never_creates(self):
        space = workspace()
        send(space, {"braze_id": "5f", "tier": 1, "_update_existing_only": False})
        assert len(space.profiles) == 0
        send(space, {"external_id": "u"})
        braze_id = space.profiles.by_external_id["u"].braze_id
        send(space, {"braze_id": braze_id, "tier": 3})
        assert held(space) == {"tier": 3}

    def test_an_email_means_the_identified_profile_updated_last(self):
        space = workspace()
        for user in ("old", "new"):
            send(space, {"external_id": user, "email": "A@example.com"})
        send(space, {"external_id": "old", "tier": 1})
        send(space, {"email": "a@EXAMPLE.com", "found": True})
        assert "found" in held(space, "old")
        assert "found" not in held(space, "new")

    def test_an_identified_profile_is_preferred_to_a_newer_one(self):
        space = workspace()
        alias = {"user_alias": ALIAS, "_update_existing_only": False}
        send(space, {"external_id": "u", "email": "a@example.com"}, {**alias, "email": "a@example.com"})
        send(space, {"email": "a@example.com", "found": True})
        assert held(space)["found"] is True

    def test_an_unknown_email_makes_a_profile_of_its_own(self):
        space = workspace()
        send(space, {"email": "a@example.com", "tier": 1})
        send(
            space,
            {"email": "a@example.com", "tier": 2},
            events=[{**EVENT, "external_id": None, "phone": "+1"}],
        )
        assert [profile.attributes for profile in space.profiles] == [
            {"email": "a@example.com", "tier": 2},
            {"phone": "+1"},
        ]

    def test_a_changed_email_is_not_found_any_more(self):
        space = workspace()
        send(space, {"external_id": "u", "email": "a@example.com"}, {"external_id": "u", "email": None})
        send(space, {"email": "a@example.com"})
        assert len(space.profiles) == 2
