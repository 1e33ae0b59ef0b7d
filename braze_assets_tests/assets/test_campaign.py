"""Campaigns from YAML to Braze (K17, K26-K35)."""

import hashlib
import math
from datetime import datetime, timezone

import dagster as dg
import pytest

from braze_assets.errors import ConfigurationError
from braze_assets_tests.assets.town import CAMPAIGN, D1, D2, D3, NAME, PARTS, Town
from braze_assets_tests.projects import failure, metadata


def treatment(number: int, seed: str, shares: dict[str, float], control: float) -> str | None:
    """The documented rule in plain Python."""

    def draw(what: str) -> float:
        digest = hashlib.md5(f"braze_assets:1:{seed}:{what}:c{number:04}".encode()).hexdigest()
        return (int(digest[:13], 16) + 0.5) / 16**13

    if draw("~control") < control:
        return None
    return max(shares, key=lambda name: math.log(draw(name)) / shares[name])


def test_members_enter_leave_and_come_back(town: Town) -> None:
    """K17, K26, K27, K28, K33: set, unset, set again; who is excluded is not in; other attributes stay."""
    town.project.write(
        "camp/defs.yaml",
        CAMPAIGN
        + "  launch: recurring\n  schedule: after each partition\n"
        + "  attributes: {first: merged_customers.given_name}\n",
    )
    town.put("lapsing", D1, range(10))
    town.put("employees", D1, [3])
    town.put("lapsing", D2, range(5, 10))
    town.put("lapsing", D3, range(10))
    first = town.run(PARTS, D1)
    assert first.success
    assert town.held(0) == {"summer_win_back": True, "first": "Name 0"}
    assert town.held(3) == {}
    assert town.run(PARTS, D2).success
    assert town.held(0) == {"first": "Name 0"}
    assert town.held(7) == {"summer_win_back": True, "first": "Name 7"}
    assert town.run(PARTS, D3).success
    assert town.held(0)["summer_win_back"] is True
    assert town.held(3)["summer_win_back"] is True
    # 9 enter; 4 leave; they come back, and 3 is an employee no more.
    assert [len(town.table(f"{NAME}_recipients", day)) for day in (D1, D2, D3)] == [9, 0, 5]
    assert "EXCEPT" in metadata(first, NAME)["sql"]
    assert "Name" not in str(metadata(first, f"{NAME}_sample"))
    assert len(town.table(f"{NAME}_sample", D1)) == 9


def test_treatments_follow_the_documented_rule_and_control_is_never_sent(town: Town) -> None:
    """K35, K31: and recipients tell who got what, who is control; a run again adds nothing."""
    town.project.write(
        "camp/defs.yaml", CAMPAIGN + "  treatments: {voucher: 45, reminder: 35}\n  control: 20\n"
    )
    town.put("lapsing", D1, range(200))
    assert town.run(PARTS, D1).success
    expected = {
        n: treatment(n, "summer_win_back", {"voucher": 45.0, "reminder": 35.0}, 0.2) for n in range(200)
    }
    for number, name in expected.items():
        assert town.held(number) == ({f"summer_win_back_{name}": True} if name else {})
    assert 20 < sum(name is None for name in expected.values()) < 60
    assert town.objects == sum(name is not None for name in expected.values())
    rows = town.table(f"{NAME}_recipients", D1)
    assert {r["amperity_id"]: r["treatment_name"] for r in rows} == {
        f"c{n:04}": name for n, name in expected.items()
    }
    assert all(r["is_control"] == (r["treatment_name"] is None) for r in rows)
    assert all((r["delivery_datetime"] is None) == r["is_control"] for r in rows)
    again = town.project.run([f"{NAME}_recipients"], instance=town.instance, assets=town.assets, first=D1)
    assert again.success
    assert sorted(map(str, town.table(f"{NAME}_recipients", D1))) == sorted(map(str, rows))


def test_recipients_of_an_array_are_told_by_its_items(town: Town) -> None:
    """K31: one attribute for all treatments; who is told, was told before, and is control."""
    town.project.write(
        "camp/defs.yaml",
        CAMPAIGN
        + "  launch: recurring\n  schedule: 0 6 * * *\n  array: in/campaigns~\n"
        + "  treatments: {a: 45, b: 35}\n  control: 20\n",
    )
    town.put("lapsing", D1, range(60))
    town.put("lapsing", D2, range(50, 80))
    expected = {n: treatment(n, "summer_win_back", {"a": 45.0, "b": 35.0}, 0.2) for n in range(80)}
    for day, told in ((D1, range(60)), (D2, range(60, 80))):
        assert town.run(PARTS, day).success
        rows = town.table(f"{NAME}_recipients", day)
        sent = {r["amperity_id"]: r["treatment_name"] for r in rows if not r["is_control"]}
        assert sent == {f"c{n:04}": expected[n] for n in told if expected[n]}
        control = range(60) if day == D1 else range(50, 80)
        assert {r["amperity_id"] for r in rows if r["is_control"]} == {
            f"c{n:04}" for n in control if not expected[n]
        }
        assert len({r["pk"] for r in rows}) == len(rows)
    held = next(n for n in range(80) if expected[n] == "a" and n >= 50)
    assert town.held(held) == {"in/campaigns~": ["summer_win_back_a"]}


def test_a_test_has_recipients_but_no_control(town: Town) -> None:
    """K31, K32: who was sent to in a test is told; nobody is held back before the launch."""
    town.project.write("camp/defs.yaml", CAMPAIGN + "  control: 20\n")
    town.put("lapsing", D1, range(40))
    assert town.run(PARTS, D1, **{f"{NAME}_sync": {"mode": "test", "test_users": 3}}).success
    rows = town.table(f"{NAME}_recipients", D1)
    assert [r["is_control"] for r in rows] == [False] * 3
    assert town.run(PARTS, D1).success
    rows = town.table(f"{NAME}_recipients", D1)
    control = {n for n in range(40) if treatment(n, "summer_win_back", {"": 80.0}, 0.2) is None}
    assert {r["amperity_id"] for r in rows if r["is_control"]} == {f"c{n:04}" for n in control}
    assert sum(not r["is_control"] for r in rows) == 40 - len(control)


def test_a_recipient_who_is_no_customer_any_more_stays_one(town: Town) -> None:
    """K31: the receipts tell of them, also where the table of customers does not."""
    town.project.write("camp/defs.yaml", CAMPAIGN)
    town.put("lapsing", D1, range(5))
    assert town.run(PARTS[:3], D1).success
    town.gone = {2}
    assert town.run([f"{NAME}_recipients"], D1).success
    rows = town.table(f"{NAME}_recipients", D1)
    assert sorted(str(r["amperity_id"]) for r in rows) == ["None", "c0000", "c0001", "c0003", "c0004"]
    assert all(r["delivery_datetime"] for r in rows)


def test_an_empty_audience_is_not_a_mass_removal(town: Town) -> None:
    """K33: blocked, and let through when it is asked for."""
    town.project.write("camp/defs.yaml", CAMPAIGN + "  launch: recurring\n  schedule: after each partition\n")
    town.put("lapsing", D1, range(5))
    assert town.run(PARTS, D1).success
    refused = town.run(PARTS, D2)
    assert "No members any more: `summer_win_back` (5 members before)" in failure(refused, f"{NAME}_sync")
    assert town.held(0) == {"summer_win_back": True}
    assert town.run(PARTS, D2, **{f"{NAME}_delta": {"allow": ["empty_audience"]}}).success
    assert town.held(0) == {}


def test_nothing_is_sent_before_the_start_or_after_the_end(town: Town) -> None:
    """K30: the guard refuses it, and the schedule says why it does nothing."""
    town.project.write(
        "camp/defs.yaml",
        CAMPAIGN + "  launch: recurring\n  schedule: 0 6 * * *\n  start: 2026-07-02\n  end: 2026-07-02\n",
    )
    for day in (D1, D2, D3):
        town.put("lapsing", day, range(5))
    for day, sent in ((D1, 0), (D2, 5), (D3, 5)):
        result = town.run(PARTS, day)
        assert result.success == (day == D2)
        assert town.objects == sent
        if day != D2:
            assert f"{day} is outside of the campaign" in failure(result, f"{NAME}_sync")
    repository = town.project.definitions(assets=town.assets).get_repository_def()
    schedule = repository.get_schedule_def(f"{NAME}_schedule")
    asked = []
    for day in (2, 3, 4):
        at = datetime(2026, 7, day, 6, tzinfo=timezone.utc)
        tick = schedule.evaluate_tick(
            dg.build_schedule_context(scheduled_execution_time=at, repository_def=repository)
        )
        asked.append([each.partition_key for each in tick.run_requests or []] or tick.skip_message)
    assert asked[1] == [D2]
    assert "outside" in str(asked[0])
    assert "outside" in str(asked[2])


@pytest.mark.parametrize(
    ("more", "line", "cause", "remedy"),
    [
        ("include: [lapsin]", 4, "lapsin", "lapsing"),
        ("exclude: [employes]", 5, "employes", "employees"),
        ("exclude: [lapsing]", 5, "'lapsing' is included and excluded", "Take it out"),
        ("include: []", 4, "'include' is wrong", "docs/configuration.md"),
        ("include: lapsing", 4, "'include' is wrong: a list is expected", "docs/configuration.md"),
        ("treatments: {a: 50, b: 40}\n  control: 5", 8, "95 %", "100"),
        ("treatments: {a: 33.33, b: 33.33, c: 33.32}", 8, "99.98 %", "100"),
        ("treatments: {A b: 50, b: 50}", 8, "A b", "lower case"),
        ("launch: recurring", 8, "no schedule", "schedule"),
        ("start: 2026-07-02\n  end: 2026-07-01", 9, "before it starts", "end"),
        ("attributes: {x: merged_customer.given_name}", 8, "merged_customer", "merged_customers"),
        ("attributes: {x: merged_customers.given_nam}", 8, "given_nam", "given_name"),
        ("attributes: {x: given_name}", 8, "table.column", "merged_customers.given_name"),
        ("destination: braz", 8, "braz", "braze"),
        ("attributes_at: {braz: {}}", 8, "braz", "braze"),
        ("lunch: one-off", 8, "lunch", "launch"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(
    town: Town, more: str, line: int, cause: str, remedy: str
) -> None:
    """BAD INPUT."""
    key = more.partition(":")[0]
    lines = [each for each in CAMPAIGN.splitlines() if not each.startswith(f"  {key}:")]
    at = line - 1 if key in ("include", "exclude") else len(lines)
    lines[at:at] = [f"  {more}"]
    town.project.write("camp/defs.yaml", "\n".join(lines) + "\n")
    with pytest.raises(ConfigurationError) as error:
        town.project.load()
    assert cause in error.value.cause
    assert remedy in str(error.value.remedy)
    assert f"camp/defs.yaml:{line}" in str(error.value.place)


@pytest.mark.parametrize("name", ["SUMMER win-back", "Summer: Win back"])
def test_two_campaigns_have_two_names(town: Town, name: str) -> None:
    """K26, BAD INPUT."""
    town.project.write("camp/defs.yaml", CAMPAIGN)
    town.project.write("other/defs.yaml", CAMPAIGN.replace("Summer Win-back", f"'{name}'"))
    with pytest.raises(ConfigurationError, match=r"taken by another|nothing but signs"):
        town.project.load()


def test_a_retired_campaign_removes_its_members(town: Town) -> None:
    """K34: also a one-off, which may send nothing else; chosen attributes stay unless they are to go."""
    chosen = "  attributes: {first: merged_customers.given_name}\n"
    town.project.write("camp/defs.yaml", CAMPAIGN + chosen)
    town.put("lapsing", D1, range(3))
    town.put("lapsing", D2, range(9))
    assert town.run(PARTS, D1).success
    town.project.write("camp/defs.yaml", CAMPAIGN + chosen + "  retired: true\n")
    assert town.run(PARTS, D2).success
    assert [town.held(n) for n in (0, 5)] == [{"first": "Name 0"}, {}]


def test_who_leaves_may_lose_the_chosen_attributes(town: Town) -> None:
    """K28."""
    town.project.write(
        "camp/defs.yaml",
        CAMPAIGN
        + "  launch: recurring\n  schedule: 0 6 * * *\n  on_leave: unset\n"
        + "  attributes: {first: merged_customers.given_name}\n",
    )
    town.put("lapsing", D1, range(3))
    town.put("lapsing", D2, range(2))
    for day in (D1, D2):
        assert town.run(PARTS, day).success
    assert [town.held(n) for n in (1, 2)] == [{"summer_win_back": True, "first": "Name 1"}, {}]


def test_several_destinations_have_one_split_and_attributes_of_their_own(town: Town) -> None:
    """K28, K29."""
    for name in ("eu", "us"):
        town.project.write(
            f"{name}/defs.yaml",
            "type: braze_assets.Destination\nattributes:\n"
            f"  name: {name}\n  instance: {town.braze.url}\n  identifier: external_id\n",
        )
    town.project.write(
        "camp/defs.yaml",
        CAMPAIGN
        + "  destination: [eu, us]\n  treatments: {a: 40, b: 40}\n  control: 20\n"
        + "  attributes_at: {us: {first: merged_customers.given_name}}\n",
    )
    town.put("lapsing", D1, range(50))
    assert town.run([f"{NAME}_eu", f"{NAME}_us"], D1).success
    eu, us = (town.table(f"{NAME}_{name}", D1) for name in ("eu", "us"))
    treated = ("external_id", "summer_win_back_a", "summer_win_back_b")
    assert sorted(str([r[c] for c in treated]) for r in eu) == sorted(
        str([r[c] for c in treated]) for r in us
    )
    assert "first" in us[0]
    assert "first" not in eu[0]
