"""More that a project can do: nested attributes, a replay, the ledger from the launchpad, events."""

from typing import Any

from braze_assets_tests.privacy.marks import KEY
from braze_assets_tests.privacy.story import MEMBERS, Story, gossip

__all__ = ["events", "from_the_launchpad", "nested_replay"]

NEST = """\
type: braze_assets.AttributeSync
attributes:
  name: nest
  table: {sql: nest.sql}
  mode: live
  audit_sample: 50
  guards: {min_users: 100000}
  attributes: {contact: {update: patch}, friends: {update: patch}}
"""
NEST_SQL = """\
SELECT external_id, {'mail': email, 'hobby': hobby} AS contact, [first_name, phone] AS friends,
  [{'name': first_name, 'mail': email}] AS family
FROM members
"""
VISITS = """\
type: braze_assets.EventSync
attributes:
  name: visits
  table: {sql: visits.sql}
  columns: {event_id: visit, time: visited_at}
  event_name: visit
  mode: live
  guards: {min_rows: 100000}
"""
VISITS_SQL = """\
SELECT 'visit-' || points || '-' || right(external_id, 4) AS visit, external_id,
  TIMESTAMP '2026-07-01' + to_days(points::INTEGER) AS visited_at, email, hobby,
  first_name, phone
FROM members
"""
VISIT_PARTS = ["visits", "visits_delta", "visits_sync", "visits_review"]


def nested_replay(story: Story) -> None:
    """Objects and arrays, changed day by day and sent in order; a day that is refused in the middle."""
    world, first = story.world, story.today + 1
    world.write("nest/defs.yaml", NEST)
    world.write("nest/nest.sql", NEST_SQL)
    for number in range(first, first + 3):
        world.day(number)
    story.today = first + 2
    told = {"message": gossip(4, first + 1)}
    story.braze.control.fault(
        effect="status", status=400, document=told, identifier="zq7id-0004", nth=(2,), count=1
    )
    parts = [MEMBERS, "nest", "nest_delta", "nest_sync", "nest_audit"]
    days = (f"2026-07-{first:02}", f"2026-07-{story.today:02}")
    story.ends["nested replay"] = world.go(parts, *days, nest_delta={"replay": "each"}).success
    story.braze.control.clear_faults()


def from_the_launchpad(story: Story) -> None:
    """Operations on the ledger as runs: asked for, confirmed, refused."""
    gone = story.world.folder.parent / "launchpad.csv"
    gone.write_text("external_id\nzq7id-0008\n")
    operations: list[dict[str, Any]] = [
        {"release": {"users_url": str(gone), "reason": "asked to be forgotten"}},
        {"forget_users": {"users_url": str(gone)}},
        {"forget_users": {"users_url": str(gone.with_name("nowhere.csv"))}},
        {"adopt": {"url": str(gone.with_name("nowhere.csv")), "existing": "merge"}},
    ]
    for number, operation in enumerate(operations):
        name = f"launchpad {number} {next(iter(operation))}"
        _confirmed(story, name, "club_ledger", "club_ledger_operation", {"operation": operation})


def _confirmed(story: Story, name: str, job: str, op: str, config: dict[str, Any]) -> None:
    """Asked, and said again with the code."""
    result = _launch(story, job, op, config)
    story.ends[name] = result.success
    if result.success:
        [output] = [each for each in result.all_events if each.is_successful_output]
        code = str(output.step_output_data.metadata["code"].value)
        story.ends[f"{name}, confirmed"] = _launch(story, job, op, {**config, "confirm": code}).success


def _launch(story: Story, job: str, op: str, config: dict[str, Any]) -> Any:
    world = story.world
    result = (
        world.definitions()
        .resolve_job_def(job)
        .execute_in_process(
            run_config={"ops": {op: {"config": config}}}, instance=world.instance, raise_on_error=False
        )
    )
    for event in result.all_events:
        if event.is_failure and event.event_specific_data is not None:
            world.keep(str(event.event_specific_data))
    return result


def events(story: Story) -> None:
    """Visits of marked people: accepted, refused, never heard of again, settled by hand."""
    world, control = story.world, story.braze.control
    world.write("visits/defs.yaml", VISITS)
    world.write("visits/visits.sql", VISITS_SQL)
    story.tomorrow()
    story.send("events", VISIT_PARTS)
    world.objects_per_request = 1
    story.tomorrow()
    told = {"message": gossip(2, story.today)}
    control.fault(effect="status", status=400, document=told, identifier="zq7id-0002")
    control.fault(effect="timeout", identifier="zq7id-0003")
    control.fault(effect="reset", when="after", identifier="zq7id-0005")
    story.send("events, some refused", VISIT_PARTS)
    control.clear_faults()
    world.objects_per_request = 75
    _confirmed(story, "events settled", "visits_settle", "settle_visits", {"word": "not-sent"})
    story.tomorrow()
    control.fault(effect="status", status=401, document={"message": f"Invalid API key: {KEY}"})
    story.send("events 401", VISIT_PARTS)
    control.clear_faults()
