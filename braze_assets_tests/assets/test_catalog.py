"""The attribute catalog at work (K03, K10): names, buckets and new names, from YAML to Braze."""

from __future__ import annotations

from braze_assets_tests.assets.world import PARTS, YAML, World, user
from braze_assets_tests.projects import failure, metadata

CATALOG = """\
type: braze_assets.AttributeCatalog
attributes:
  attributes:
    tier: {name: Loyalty Tier, description: Current tier., owners: [team:loyalty]}
    points: {name: activity, bucket: {below: {low: 10, high: 100}, otherwise: top}}
    since: {type: String}
"""


def test_names_and_buckets_from_sql_to_braze(world: World) -> None:
    """K03: what stays in its bucket costs nothing."""
    world.project.write("catalog/defs.yaml", CATALOG)
    world.days["2026-07-01"] = [user(1, points=1), user(2, points=50), user(3, points=500)]
    world.days["2026-07-02"] = [user(1, points=9), user(2, points=99), user(3, points=99)]
    result = world.run(["customer_360/members", *PARTS], "2026-07-01")
    assert result.success
    world.braze.control.wait_until_applied()
    assert world.held("0001") == {"Loyalty Tier": "gold", "activity": "low"}
    assert world.held("0003") == {"Loyalty Tier": "gold", "activity": "top"}
    columns = {each.name: each for each in metadata(result, "vip")["dagster/column_schema"].columns}
    assert "Current tier. Owned by team:loyalty" in str(columns["Loyalty Tier"].description)
    assert "In buckets: CASE WHEN points < 10 THEN 'low'" in str(columns["activity"].description)
    assert "From members.points" in str(columns["activity"].description)

    sent = world.sync("2026-07-02")
    assert (sent["objects"], sent["accepted"]) == (1, 1)
    assert world.held("0003") == {"Loyalty Tier": "gold", "activity": "high"}


def test_a_file_is_read_by_its_own_names(world: World) -> None:
    world.project.write("catalog/defs.yaml", CATALOG.replace("{type: String}", "{name: code, type: String}"))
    world.project.write("vip/defs.yaml", YAML.replace("{sql: vip.sql}", "{url: vip.csv}"))
    world.project.write("vip/vip.csv", "external_id,tier,points,since\n0001,gold,7,0123\n")
    result = world.run(PARTS, "2026-07-01")
    assert result.success
    world.braze.control.wait_until_applied()
    assert world.held("0001") == {"Loyalty Tier": "gold", "activity": "low", "code": "0123"}


def test_a_name_that_nobody_agreed_on_is_not_sent(world: World) -> None:
    """K10: blocked by the catalog, and what it nearly is is named; let through by one run."""
    world.project.write("catalog/defs.yaml", CATALOG)
    world.days["2026-07-01"] = [user(1)]
    world.project.write(
        "vip/vip.sql", 'SELECT external_id, tier, points, since AS "loyalty-tier" FROM members'
    )
    refused = world.run(["customer_360/members", *PARTS], "2026-07-01")
    text = failure(refused, "vip_sync")
    assert "`loyalty-tier` (nearly `Loyalty Tier`, which is known)" in text
    assert world.objects == 0
    [check] = [e for e in refused.get_asset_check_evaluations() if e.check_name == "new_attributes"]
    assert not check.passed
    assert world.run(["vip_delta", "vip_sync"], "2026-07-01", vip_delta={"allow": ["new_attributes"]}).success
    assert world.objects == 1


def test_a_new_name_without_a_catalog_is_warned_of_and_sent(world: World) -> None:
    world.days["2026-07-01"] = world.days["2026-07-02"] = [user(1)]
    world.sync("2026-07-01")
    world.project.write("vip/vip.sql", "SELECT external_id, tier, points, 'x' AS Tierr FROM members")
    result = world.run(["customer_360/members", *PARTS], "2026-07-02")
    assert result.success
    [check] = [e for e in result.get_asset_check_evaluations() if e.check_name == "new_attributes"]
    assert (check.passed, check.severity.value) == (False, "WARN")
    assert "`tierr` (nearly `tier`, which is known)" in str(check.description)
    world.braze.control.wait_until_applied()
    assert world.held("0001") == {"tier": "gold", "points": 1, "tierr": "x"}
