"""Delete, alias, identify, merge (X11)."""

import json

import pytest

from braze_assets_tests.emulator.helpers import Clock, call, held, put, send, workspace

ALIAS = {"alias_name": "n", "alias_label": "l"}
PREFIX = "identifiers must be objects with an 'external_id' property that is a string"


def test_delete():
    space = workspace()
    put(space, email="a@example.com")
    reply = call(space, "/users/delete", {"external_ids": ["u", "nobody"]})
    assert json.loads(reply.body) == {"deleted": 2, "message": "success"}
    assert len(space.profiles) == 0
    send(space, {"email": "a@example.com"})  # not found by its email any more
    assert [profile.external_id for profile in space.profiles] == [None]


def test_delete_by_other_identifiers():
    space = workspace()
    call(space, "/users/alias/new", {"user_aliases": [ALIAS]})
    put(space)
    braze_id = space.profiles.by_external_id["u"].braze_id
    assert call(space, "/users/delete", {"user_aliases": [ALIAS]}).status == 201
    assert call(space, "/users/delete", {"braze_ids": [braze_id]}).status == 201
    assert len(space.profiles) == 0


def test_delete_waits_its_turn():
    clock = Clock()
    space = workspace(clock)
    put(space)
    space.configure(space.settings.changed({"apply_delay_ms": 50}))
    call(space, "/users/delete", {"external_ids": ["u"]})
    assert len(space.profiles) == 1
    clock.at += 1
    space.settle()
    assert len(space.profiles) == 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/users/delete", {}),
        ("/users/delete", {"external_ids": ["u"], "braze_ids": ["b"]}),
        ("/users/delete", {"external_ids": ["u"] * 51}),
        ("/users/delete", {"external_ids": [5]}),
        ("/users/alias/new", {"user_aliases": [{"alias_name": "n"}]}),
        ("/users/alias/new", {"user_aliases": [ALIAS] * 51}),
        ("/users/alias/update", {"alias_updates": [{"alias_label": "l", "old_alias_name": "n"}]}),
        ("/users/identify", {}),
        ("/users/identify", {"aliases_to_identify": [{"external_id": "u"}]}),
        ("/users/identify", {"aliases_to_identify": [{"user_alias": ALIAS}]}),
        ("/users/identify", {"emails_to_identify": [{"external_id": "u"}]}),
        ("/users/identify", {"aliases_to_identify": [], "merge_behavior": "maybe"}),
        ("/users/merge", []),
    ],
)
def test_refused(path, body):
    assert call(workspace(), path, body).status == 400


@pytest.mark.parametrize(
    ("updates", "message"),
    [
        ("x", "'merge_updates' must be an array of objects"),
        (["x"], "'merge_updates' must be an array of objects"),
        ([{}] * 51, "a single request may not contain more than 50 merge updates"),
        ([{"a": 1}], "'merge_updates' must only have 'identifier_to_merge' and 'identifier_to_keep'"),
        ([{"identifier_to_merge": {}, "identifier_to_keep": {}}], PREFIX),
        (
            [{"identifier_to_merge": {"external_id": "a"}, "identifier_to_keep": {"user_alias": ALIAS}}],
            "identifiers must be objects of the same type",
        ),
    ],
)
def test_merge_refusals_as_documented(updates, message):
    reply = call(workspace(), "/users/merge", {"merge_updates": updates})
    assert reply.status == 400
    assert json.loads(reply.body)["message"].startswith(message)


def test_aliases():
    space = workspace()
    put(space)
    reply = call(space, "/users/alias/new", {"user_aliases": [{"external_id": "u", **ALIAS}]})
    assert json.loads(reply.body) == {"aliases_processed": 1, "message": "success"}
    call(space, "/users/alias/new", {"user_aliases": [{"external_id": "nobody", **ALIAS, "alias_name": "x"}]})
    assert set(space.profiles.by_alias) == {("l", "n")}  # an unknown user gets none, and no error
    change = {"alias_label": "l", "old_alias_name": "n", "new_alias_name": "m"}
    call(space, "/users/alias/update", {"alias_updates": [change]})
    assert space.profiles.by_external_id["u"].aliases == [("l", "m")]
    assert set(space.profiles.by_alias) == {("l", "m")}


def test_identify_names_an_anonymous_user():
    space = workspace()
    send(space, {"user_alias": ALIAS, "tier": 1, "_update_existing_only": False})
    body = {"aliases_to_identify": [{"external_id": "u", "user_alias": ALIAS}]}
    reply = call(space, "/users/identify", body)
    assert json.loads(reply.body) == {"aliases_processed": 1, "message": "success"}
    assert (held(space), len(space.profiles)) == ({"tier": 1}, 1)


@pytest.mark.parametrize(
    ("behaviour", "expected"), [("merge", {"tier": 1, "note": 2}), ("none", {"tier": 1})]
)
def test_identify_with_a_known_user(behaviour, expected):
    space = workspace()
    put(space, tier=1)
    send(space, {"user_alias": ALIAS, "tier": 9, "note": 2, "_update_existing_only": False})
    body = {"aliases_to_identify": [{"external_id": "u", "user_alias": ALIAS}], "merge_behavior": behaviour}
    call(space, "/users/identify", body)
    assert (held(space), len(space.profiles)) == (expected, 1)
    assert space.profiles.by_alias["l", "n"].external_id == "u"


def test_identify_by_email():
    space = workspace()
    send(space, {"external_id": "other", "email": "a@example.com"}, {"email": "b@example.com", "tier": 1})
    emails = [{"external_id": "u", "email": email} for email in ("a@example.com", "b@example.com")]
    call(space, "/users/identify", {"emails_to_identify": emails})
    assert held(space) == {"email": "b@example.com", "tier": 1}
    assert set(space.profiles.by_external_id) == {"other", "u"}


def test_merge_keeps_what_the_target_has():
    space = workspace()
    event = {"name": "seen", "time": "2026-11-20"}
    send(space, {"external_id": "a", "tier": 1, "note": 2, "email": "a@example.com"})
    send(space, {"external_id": "u", "tier": 5})
    send(space, events=[{"external_id": "a", **event}, {"external_id": "u", **event, "time": "2026-11-22"}])
    pair = {"identifier_to_merge": {"external_id": "a"}, "identifier_to_keep": {"external_id": "u"}}
    reply = call(space, "/users/merge", {"merge_updates": [pair]})
    assert (reply.status, json.loads(reply.body)) == (202, {"message": "success"})
    assert held(space) == {"tier": 5, "note": 2, "email": "a@example.com"}
    seen = space.profiles.by_external_id["u"].events["seen"]
    assert (seen["count"], seen["first"], seen["last"]) == (2, "2026-11-20", "2026-11-22")
    assert len(space.profiles) == 1
    send(space, {"email": "a@example.com", "found": True})
    assert held(space)["found"] is True
