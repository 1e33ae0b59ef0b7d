"""Alerts in YAML: what is wrong is said with file and line, and never with a secret (X14)."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster.components.component_scaffolding import scaffold_object

from braze_assets.alerts import Memory
from braze_assets.components import Alerts
from braze_assets.components.channel_model import ChannelModel
from braze_assets.errors import BrazeAssetsError
from braze_assets.resources.storage import StorageResource
from braze_assets_tests.projects import Project

HEAD = "type: braze_assets.Alerts\nattributes:\n  name: alerts\n"
SLACK = "  channels: {crm: {kind: slack, url_variable: HOOK}}"
MAIL = "kind: email, host: smtp.acme.com, sender: a@acme.com, to: [b@acme.com]"
LOGIN = "user_variable: U, password_variable: P"
SECRET = "https://hooks.slack.com/services/T0/s3cr3t"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path, str(tmp_path / "storage"))
    made.write("drop/defs.yaml", "type: braze_assets.CsvDrop\nattributes: {name: loyalty, url: /tmp/x}\n")
    made.write("vip/vip.csv", "external_id,tier\n1,gold\n")
    made.write(
        "vip/defs.yaml",
        "type: braze_assets.AttributeSync\n"
        "attributes: {name: vip, table: {url: vip.csv}, destination: [eu, us], identifier: external_id}\n",
    )
    for name, more in (("eu", ""), ("us", ", enabled: false")):
        made.write(
            f"{name}/defs.yaml",
            f"type: braze_assets.Destination\nattributes: {{name: {name}, instance: US-03{more}}}\n",
        )
    return made


def refused(project: Project, *lines: str) -> str:
    project.write("alerts/defs.yaml", HEAD + "\n".join(lines) + "\n")
    with pytest.raises(BrazeAssetsError) as caught:
        project.load()
    assert "s3cr3t" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("  flows: [loyalti]", "Did you mean loyalty?"),
        ("  flows: [vip_uk]", "Did you mean vip_us?"),
        ("  max_rejected_shares: 0.1", "Did you mean 'max_rejected_share'?"),
        ("  max_rejected_share: 1", "less than 1"),
        ("  max_age_hours: 0", "greater than 0"),
        ("  look_seconds: 5", "greater than or equal to 30"),
        ("  dagster_url: dagster.acme.com", "whole URL"),
    ],
)
def test_wrong_settings_are_refused_with_their_line(project: Project, line: str, said: str) -> None:
    text = refused(project, SLACK, line)
    assert said in text
    assert "defs.yaml:5" in text


@pytest.mark.parametrize(
    ("channel", "said"),
    [
        (f"kind: slack, url_variable: '{SECRET}'", "not the name of an environment variable"),
        (f"kind: slack, url: '{SECRET}'", "'channels.crm.url' is unknown"),
        ("kind: slack", "needs url_variable"),
        ("kind: slack, url_variable: HOOK, host: x", "has no host"),
        ("kind: pigeon", "'webhook', 'slack' or 'email'"),
        ("kind: email, host: x, sender: a@acme.com", "needs to"),
        ("kind: email, host: x, sender: a@acme.com, to: ['B <b@acme.com>']", "plain addresses"),
        (MAIL + ", user_variable: U", "go together"),
        (MAIL + f", security: none, {LOGIN}", "without encryption"),
        (MAIL + ", password_variable: s3cr3t-!", "not the name of an environment variable"),
    ],
)
def test_wrong_channels_are_refused_with_their_line(project: Project, channel: str, said: str) -> None:
    text = refused(project, "  channels:", f"    crm: {{{channel}}}")
    assert said in text
    assert "defs.yaml:" in text


def test_without_a_channel_nobody_would_be_told(project: Project) -> None:
    assert "channels" in refused(project, "  zero_rows: true")
    assert "channels" in refused(project, "  channels: {}")


def test_two_of_one_name_are_refused(project: Project) -> None:
    project.write("more/defs.yaml", HEAD + SLACK + "\n")
    assert "taken by another Alerts" in refused(project, SLACK)


def looked(sensor: Any, project: Project) -> Memory:
    """What the sensor remembers of its first look."""
    context = dg.build_sensor_context(
        instance=dg.DagsterInstance.ephemeral(), resources={"storage": StorageResource(url=project.storage)}
    )
    result = sensor(context)
    assert isinstance(result, dg.SensorResult)
    return Memory.loads(result.cursor)


def looked_at(project: Project) -> set[str]:
    """The flows whose status the sensor keeps."""
    return {*looked(project.definitions().resolve_sensor_def("alerts_sensor"), project).states}


def test_the_sensor_is_stopped_and_looks_at_all_that_is_not_disabled(project: Project) -> None:
    project.write("alerts/defs.yaml", HEAD + SLACK + "\n")
    [sensor] = [each for each in project.load().sensors or () if each.name == "alerts_sensor"]
    assert isinstance(sensor, dg.SensorDefinition)
    assert sensor.default_status == dg.DefaultSensorStatus.STOPPED
    assert sensor.minimum_interval_seconds == 60
    assert looked_at(project) == {"loyalty", "vip_eu"}
    project.write("alerts/defs.yaml", HEAD + SLACK + "\n  flows: [vip, vip_eu, vip_us]\n")
    assert looked_at(project) == {"vip_eu"}


def test_the_assets_of_every_kind_of_flow_are_those_looked_at(tmp_path: Path) -> None:
    """As they are scaffolded: what the sensor reads is there, for each kind."""
    made = Project(tmp_path, str(tmp_path / "storage"))
    for kind in ("AttributeSync", "EventSync", "CsvDrop", "Audiences", "Campaign", "Alerts"):
        scaffold_object(made.folder / f"our_{kind}", f"braze_assets.{kind}", None, "yaml", tmp_path)
    definitions = made.load()
    there = {
        key.to_user_string()
        for each in definitions.assets or ()
        if isinstance(each, dg.AssetsDefinition)
        for key in each.keys
    }
    [sensor] = [each for each in definitions.sensors or () if each.name == "our_Alerts_sensor"]
    memory = looked(sensor, made)
    assert len(memory.states) == 5
    assert {*memory.read} - {"failed runs"} <= there
    assert {"our_CsvDrop_results", "our_EventSync", "campaign_our_campaign_sync"} <= {*memory.read}


def test_a_login_is_fine_on_this_machine() -> None:
    """Without encryption, to a server that is here."""
    ChannelModel(kind="email", host="127.0.0.1", sender="a@b", to=["c@d"], security="none",
                 user_variable="U", password_variable="P")  # fmt: skip
    shown = repr(Alerts(channels={"crm": ChannelModel(kind="slack", url_variable="HOOK")}))
    assert "HOOK" in shown
