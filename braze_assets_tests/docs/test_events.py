"""The document of events leaves nothing out, and what it shows is so."""

import re
from typing import Any

import pytest
import yaml

from braze_assets.assets.event_syncs.delta import EventDeltaConfig
from braze_assets.assets.event_syncs.send import EventSendConfig
from braze_assets.assets.event_syncs.settle import SettleConfig
from braze_assets.commands.events import settle
from braze_assets.components import EventSync
from braze_assets.components.event_models import EventColumnsModel, EventGuardsModel
from braze_assets.plan.events import EVENT_GUARDS
from braze_assets.rows.events import REASONS
from braze_assets_tests.docs.documents import blocks, read

TEXT = read("events.md")


def _first_cells(section: str) -> list[str]:
    text = TEXT.partition(f"## {section}")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| ((?:`[^`]+`(?:, )?)+) \|", text, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


@pytest.mark.parametrize(
    "model",
    [EventSync, EventColumnsModel, EventGuardsModel, EventDeltaConfig, EventSendConfig, SettleConfig],
    ids=lambda model: model.__name__,
)
def test_every_setting_is_documented(model: Any) -> None:
    assert set(model.model_fields) <= set(re.findall(r"`([^`\n]+)`", TEXT))


def test_the_full_example_shows_every_setting() -> None:
    full = next(
        yaml.safe_load(block.text)["attributes"]
        for block in blocks("yaml", "events.md")
        if "EventSync" in block.text
    )
    assert set(full) == set(EventSync.model_fields)
    assert set(full["columns"]) == set(EventColumnsModel.model_fields)
    assert set(full["guards"]) == set(EventGuardsModel.model_fields)


def test_defaults_are_the_documented_ones() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*?) ?\|", TEXT, re.MULTILINE))
    for model in (EventSync, EventColumnsModel):
        for name, field in model.model_fields.items():
            default = field.default
            if isinstance(default, (str, int, float)) and not field.is_required() and rows.get(name):
                shown = (
                    str(default).lower()
                    if isinstance(default, bool)
                    else f"{default:g}"
                    if isinstance(default, float)
                    else str(default)
                )
                assert rows[name].strip("`") == shown, name


def test_every_guard_and_no_other_is_documented() -> None:
    assert _first_cells("Guards") == [guard.name for guard in EVENT_GUARDS]
    limits = {name: field.default for name, field in EventGuardsModel.model_fields.items()}
    for name in ("max_id_errors", "max_identifier_errors", "max_times_mean"):
        assert f"`{name}` ({limits[name]:g})" in TEXT


def test_every_reason_and_no_other_is_documented() -> None:
    assert sorted(_first_cells("Left out")) == sorted(REASONS)


def test_the_run_configuration_and_the_commands_exist() -> None:
    [shown] = [
        yaml.safe_load(block.text) for block in blocks("yaml", "events.md") if "settle_orders" in block.text
    ]
    assert set(shown["ops"]["settle_orders"]["config"]) == set(SettleConfig.model_fields)
    known = {option for each in settle.params for option in each.opts}
    assert set(re.findall(r"settle orders.*?(--\S+)", TEXT)) <= known
