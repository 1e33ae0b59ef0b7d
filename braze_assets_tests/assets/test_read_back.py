"""Profile updates read back: what others changed is found, shown, and sent again if that is asked (K42)."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import dagster as dg
import pytest
import requests

from braze_assets.assets.currents import CurrentsFeedDefinition, build_feed
from braze_assets.currents.generator import GeneratorSettings, write_hours
from braze_assets.currents.profile_updates import PROFILE_UPDATE, profile_update
from braze_assets.errors import ConfigurationError
from braze_assets.storage import StoredTable, connect
from braze_assets_tests.assets.world import ANYWHERE, World, user
from braze_assets_tests.projects import metadata

DAY, NEXT_DAY = "2026-11-20", "2026-11-21"
HOUR = datetime(2026, 11, 20, 7, tzinfo=timezone.utc)
NAMES = ["currents/users_profile_update", "currents/vip_read_back"]
FEED = """\
type: braze_assets.CurrentsFeed
attributes:
  event_types: [users.profile.Update]
  read_back: {vip: external_id}
"""


def somebody_sets(world: World, number: int, who: str = "", **values: Any) -> dict[str, Any]:
    """Change a profile in Braze as an app would; the event that Currents writes of it."""
    who = who or f"{number:04}"
    reply = requests.post(
        f"{world.braze.url}/users/track",
        json={"attributes": [{"external_id": who, **values}]},
        headers={"Authorization": f"Bearer {world.braze.api_key}"},
        timeout=10,
    )
    assert reply.status_code == 201
    world.braze.control.wait_until_applied()
    held = world.held(who)
    assert held is not None
    return profile_update(
        number,
        datetime.now(timezone.utc),
        {name: held.get(name) for name in values},
        external_id=who,
        source="SDK",
    )


def write(world: World, events: list[dict[str, Any]], hour: datetime = HOUR) -> None:
    settings = GeneratorSettings(
        external_ids=[],
        event_types=(PROFILE_UPDATE,),
        given={(PROFILE_UPDATE, hour): events},
        duplicate_share=0.5,
    )
    write_hours(f"{world.project.storage}/in", settings, [hour])


def read_back(world: World, first: datetime = HOUR, last: datetime | None = None, **config: Any) -> Any:
    result = world.project.run(
        NAMES,
        config={"currents__vip_read_back": config} if config else None,
        assets=[world.source()],
        first=f"{first:%Y-%m-%d-%H:%M}",
        last=f"{last:%Y-%m-%d-%H:%M}" if last else None,
        instance=world.instance,
    )
    assert result.success
    return result


def rows(world: World, hour: datetime = HOUR) -> list[dict[str, Any]]:
    folder = f"tables/currents/vip_read_back/date={hour:%Y-%m-%d}/hour={hour:%H}"
    uri = f"{world.project.storage}/{folder}/data.parquet"
    with connect() as connection:
        return list(
            connection.sql(f"FROM {StoredTable.at(uri).sql(connection)}").to_arrow_table().to_pylist()
        )


def checks(result: Any) -> dict[str, bool]:
    return {
        each.check_name: each.passed
        for each in result.get_asset_check_evaluations()
        if each.asset_key == dg.AssetKey(["currents", "vip_read_back"])
    }


def synced(world: World, sends_again: str = "", who: str = "0001") -> None:
    world.project.write("currents/defs.yaml", FEED + sends_again)
    world.days = {DAY: [user(n, points=n) for n in range(6)]}
    world.days[DAY][1]["external_id"] = who
    world.days[NEXT_DAY] = world.days[DAY]
    assert world.sync(DAY)["objects"] == 6


@ANYWHERE
def test_what_somebody_else_changed_is_found_marked_and_sent_again(world: World) -> None:
    """From a real sync to a real event, and back to what is wanted; on a folder and on S3."""
    synced(world)
    write(
        world,
        [
            somebody_sets(world, 1, tier="bronze"),
            somebody_sets(world, 2, points=2),
            somebody_sets(world, 3, points=99, colour="red"),
            somebody_sets(world, 77, tier="bronze"),
        ],
    )
    result = read_back(world)
    shown = metadata(result, "currents__vip_read_back")
    assert {
        name: shown[name]
        for name in ("events", "equal", "changed_since", "not_in_sync", "unknown_user", "values_sent_again")
    } == {
        "events": 4,
        "equal": 1,
        "changed_since": 2,
        "not_in_sync": 1,
        "unknown_user": 1,
        "values_sent_again": 0,
    }
    assert checks(result) == {"not_changed_by_others": False, "kept_as_sent": True}
    assert [
        (each["identifier"], each["attribute"], each["expected"], each["found"], each["sent_again"])
        for each in rows(world)
    ] == [("0001", "tier", '"gold"', '"bronze"', False), ("0003", "points", "3", "99", False)]
    # To look changes nothing.
    assert world.sync(NEXT_DAY)["objects"] == 0
    assert world.held("0001")["tier"] == "bronze"  # type: ignore[index]
    # To ask for it does, of those values alone.
    again = metadata(read_back(world, send_again=True), "currents__vip_read_back")
    assert (again["changed_since"], again["values_sent_again"]) == (2, 2)
    before = world.objects
    assert world.sync(NEXT_DAY)["objects"] == 2
    assert world.objects == before + 2
    assert world.held("0001")["tier"] == "gold"  # type: ignore[index]
    assert world.held("0003")["points"] == 3  # type: ignore[index]
    assert world.held("0003")["colour"] == "red"  # type: ignore[index]
    # Now ours is the later one: nothing is sent a third time.
    last = metadata(read_back(world, send_again=True), "currents__vip_read_back")
    assert (last["ours_is_later"], last["changed_since"], last["values_sent_again"]) == (2, 0, 0)
    assert world.sync(NEXT_DAY)["objects"] == 0


def test_a_feed_may_send_again_by_itself_and_a_range_knows_of_newer_events(world: World) -> None:
    """X10: of two hours in one run the newer event counts, also when hours are run in another order."""
    synced(world, "  send_again_when_changed: [vip]\n")
    first = somebody_sets(world, 1, tier="bronze")
    other = somebody_sets(world, 2, tier="silver")
    second = {
        **first,
        "id": "second",
        "time_ms": first["time_ms"] + 1,
        "custom_attributes": '{"tier":"gold"}',
    }
    write(world, [first, other])
    write(world, [second], HOUR + timedelta(hours=1))
    read_back(world, HOUR + timedelta(hours=1))
    read_back(world, HOUR, HOUR + timedelta(hours=1))
    found = {(each["identifier"], each["verdict"], each["sent_again"]) for each in rows(world)}
    assert found == {("0001", "newer_event", False), ("0002", "changed_since", True)}
    assert rows(world, HOUR + timedelta(hours=1)) == []
    # A run may be told otherwise.
    write(world, [somebody_sets(world, 3, tier="iron")], HOUR + timedelta(hours=2))
    left = metadata(read_back(world, HOUR + timedelta(hours=2), send_again=False), "currents__vip_read_back")
    assert (left["changed_since"], left["values_sent_again"]) == (1, 0)
    assert world.sync(NEXT_DAY)["objects"] == 1


def test_an_hour_without_events_has_an_empty_table(world: World) -> None:
    synced(world)
    write(world, [somebody_sets(world, 1, tier="bronze")], HOUR + timedelta(hours=1))
    result = read_back(world)
    assert rows(world) == []
    assert checks(result) == {"not_changed_by_others": True, "kept_as_sent": True}


def test_no_value_and_nobody_is_named_outside_the_table(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """X15: not in metadata, checks, or log."""
    who = "grace-hopper"  # Not of digits: those are in run ids and timestamps too.
    synced(world, who=who)
    write(world, [somebody_sets(world, 1, who, tier="marked-secret-value")])
    result = read_back(world, send_again=True)
    assert [json.loads(each["found"]) for each in rows(world)] == ["marked-secret-value"]
    told = "".join(str(event) for event in result.all_events) + "".join(capsys.readouterr())
    for record in world.instance.all_logs(result.run_id):
        told += str(record)
    assert "marked-secret-value" not in told
    assert who not in told


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"event_types": ("users.messages.email.Open",)}, "no events that tell"),
        ({"name": "eu"}, "only the feed without a name"),
        ({"read_back": {"vip": "user_alias"}}, "alias"),
        ({"send_again_when_changed": ("crm",)}, "which `read_back` does not"),
    ],
)
def test_a_feed_that_cannot_read_back_says_why(wrong: dict[str, Any], message: str) -> None:
    right: dict[str, Any] = {"event_types": (PROFILE_UPDATE,), "read_back": {"vip": "external_id"}}
    build_feed(CurrentsFeedDefinition(**right))
    with pytest.raises(ConfigurationError, match=message):
        build_feed(CurrentsFeedDefinition(**{**right, **wrong}))
