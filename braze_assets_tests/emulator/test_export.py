"""`/users/export/ids`, `/custom_attributes`, `/segments/list` (X11)."""

import json

import pytest

from braze_assets_tests.emulator.helpers import Clock, call, put, send, workspace


def export(space, **body):
    reply = call(space, "/users/export/ids", body)
    return {"status": reply.status, **json.loads(reply.body)}


def test_a_profile_as_braze_shows_it():
    space = workspace()
    put(
        space,
        first_name="Ann",
        dob="1980-02-03",
        current_location={"longitude": 7.1, "latitude": 50.7},
        tier="gold",
        last_order_at="2026-11-22T11:00:00+01:00",
        store="2026",
        pet={"born": {"$time": "2020-01-01"}, "note": "2020-01-01"},
        visits=3,
    )
    send(space, events=[{"external_id": "u", "name": "seen", "time": "2026-11-22"}])
    (user,) = export(space, external_ids=["u"])["users"]
    assert user.pop("random_bucket") in range(10_000)
    assert user.pop("created_at").endswith(".000 UTC")
    assert user.pop("braze_id")
    assert user == {
        "external_id": "u",
        "first_name": "Ann",
        "dob": "1980-02-03",
        "last_coordinates": [7.1, 50.7],
        "custom_attributes": {
            "tier": "gold",
            "last_order_at": "2026-11-22T10:00:00.000Z",
            "store": "2026",
            "pet": {"born": "2020-01-01T00:00:00.000Z", "note": "2020-01-01"},
            "visits": 3,
        },
        "custom_events": [
            {
                "name": "seen",
                "first": "2026-11-22T00:00:00.000Z",
                "last": "2026-11-22T00:00:00.000Z",
                "count": 1,
            }
        ],
        "total_revenue": 0.0,
    }


def test_the_other_spelling_of_times():
    space = workspace(export_time_format="utc")
    put(space, at="2026-11-22")
    (user,) = export(space, external_ids=["u"], fields_to_export=["custom_attributes"])["users"]
    assert user == {"custom_attributes": {"at": "2026-11-22 00:00:00.000 UTC"}}


def test_fields_to_export_and_unknown_users():
    space = workspace()
    put(space, first_name="Ann", tier="gold")
    answer = export(
        space, external_ids=["nobody", "u"], fields_to_export=["external_id", "first_name", "phone"]
    )
    assert answer == {
        "status": 201,
        "message": "success",
        "users": [{"external_id": "u", "first_name": "Ann"}],
        "invalid_user_ids": ["nobody"],
    }


def test_every_identifier_finds():
    space = workspace()
    put(space, email="a@example.com", phone="+1")
    alias = {"alias_name": "n", "alias_label": "l"}
    call(space, "/users/alias/new", {"user_aliases": [{"external_id": "u", **alias}]})
    braze_id = space.profiles.by_external_id["u"].braze_id
    for query in (
        {"external_ids": ["u", "u"]},
        {"user_aliases": [alias]},
        {"braze_id": braze_id},
        {"email_address": "a@example.com"},
        {"phone": "+1"},
        {"external_ids": ["u"], "user_aliases": [alias], "braze_id": braze_id},
    ):
        (user,) = export(space, **query)["users"]
        assert (user["external_id"], user["user_aliases"]) == ("u", [alias])


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"external_ids": [f"u{n}" for n in range(51)]},
        {"external_ids": ["u"] * 50, "user_aliases": [{}]},
        {"external_ids": "u"},
        {"external_ids": [5]},
        {"email_address": "a@example.com", "phone": "+1"},
        {"external_ids": ["u"], "fields_to_export": "email"},
    ],
)
def test_refused(body):
    assert export(workspace(), **body)["status"] == 400


def test_fields_required_where_so_set():
    assert export(workspace(fields_to_export_required=True), external_ids=["u"])["status"] == 400


def test_what_was_accepted_is_seen_later():
    """Eventual consistency: the answer says success before an export shows it."""
    clock = Clock()
    space = workspace(clock, apply_delay_ms=100)
    send(space, {"external_id": "u", "tier": 1})
    assert export(space, external_ids=["u"])["users"] == []
    clock.at += 0.2
    assert len(export(space, external_ids=["u"])["users"]) == 1


def test_custom_attributes_are_paged():
    space = workspace(blocklist=("blocked",), forced_types={"forced": "number"}, array_items=7)
    names = {f"attribute_{n:03}": n for n in range(110)}
    put(
        space, food=["a"], at="2026-11-22", flag=True, pet={"a": 1}, pets=[{"a": 1}], note="x", first_name="A"
    )
    for start in range(0, 110, 40):
        put(space, **dict(list(names.items())[start : start + 40]))
    seen, query = [], {}
    for _ in range(3):
        reply = call(space, "/custom_attributes", b"", method="GET", **query)
        seen += json.loads(reply.body)["attributes"]
        link = dict(reply.headers).get(b"link", b"").decode()
        query = {"cursor": link.split("cursor=")[1].split(">")[0].replace("%3D", "=")} if link else {}
    assert query == {}
    assert [one["name"] for one in seen] == sorted(one["name"] for one in seen)
    by_name = {one["name"]: (one["data_type"], one["array_length"], one["status"]) for one in seen}
    assert len(by_name) == len(seen) == 118
    assert by_name["food"] == ("Array", 7, "Active")
    assert by_name["blocked"] == ("String", None, "Blocklisted")
    types = {
        name: by_name[name][0] for name in ("at", "flag", "pet", "pets", "note", "forced", "attribute_001")
    }
    assert types == {
        "at": "Time",
        "flag": "Boolean",
        "pet": "Object",
        "pets": "Object Array",
        "note": "String",
        "forced": "Number",
        "attribute_001": "Number",
    }


def test_a_bad_cursor():
    assert call(workspace(), "/custom_attributes", b"", method="GET", cursor="abc").status == 400


def test_segments():
    space = workspace(segments=tuple(f"segment {n}" for n in range(120)))
    pages = [
        json.loads(call(space, "/segments/list", b"", method="GET", page=str(page)).body)["segments"]
        for page in range(3)
    ]
    assert [len(page) for page in pages] == [100, 20, 0]
    assert len({segment["id"] for page in pages for segment in page}) == 120
