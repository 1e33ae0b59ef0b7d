"""The documents say what is so: nothing is missing, nothing is made up, and what they show runs (D1)."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from braze_assets.assets.destinations import ConnectionConfig
from braze_assets.assets.syncs.delta import DeltaConfig
from braze_assets.assets.syncs.send import SendConfig
from braze_assets.braze.fields import PROFILE_FIELDS
from braze_assets.components import (
    Alerts,
    AttributeCatalog,
    AttributeSync,
    CurrentsFeed,
    DataTemplate,
    Destination,
    attribute_catalog,
    destination,
    models,
)
from braze_assets.components.audiences import AudienceModel, Audiences
from braze_assets.components.campaign import Campaign
from braze_assets.components.channel_model import ChannelModel
from braze_assets.components.orchestrations import Orchestrations
from braze_assets.components.schedule_model import ScheduleModel
from braze_assets.components.segments import SegmentModel, Segments
from braze_assets.plan import GUARDS
from braze_assets.resources.braze import BrazeResource
from braze_assets.resources.deployments import DEPLOYMENTS
from braze_assets.rows import CATALOGUE
from braze_assets_tests.docs.documents import DOCS, ROOT, Block, blocks, read
from braze_assets_tests.projects import Project

CONFIGURATION = read("configuration.md")
_VARIABLE = re.compile(r"\bBRAZE_[A-Z]+(?:_[A-Z]+)*\b")


def _slugs(path: Path) -> set[str]:
    """Anchors of the headings, as GitHub makes them."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _code(text: str) -> set[str]:
    """What stands between backticks."""
    return set(re.findall(r"`([^`\n]+)`", text))


def _first_cells(text: str) -> list[str]:
    """The code in the first column of the tables."""
    cells = re.findall(r"^\| ((?:`[^`]+`(?:, )?)+) \|", text, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)]+)\)", text):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), f"{path.name} links to {link}"
        assert not anchor or anchor in _slugs(target), f"{path.name} links to {link}"


def test_the_readme_names_every_document() -> None:
    linked = re.findall(r"\]\((docs/[\w-]+\.md)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} == set(linked)


@pytest.mark.parametrize(
    "model",
    [
        AttributeSync,
        CurrentsFeed,
        Segments,
        SegmentModel,
        ScheduleModel,
        Orchestrations,
        Campaign,
        Audiences,
        AudienceModel,
        Destination,
        destination.LimitsModel,
        DataTemplate,
        AttributeCatalog,
        attribute_catalog.CatalogAttributeModel,
        attribute_catalog.BucketModel,
        Alerts,
        ChannelModel,
        ConnectionConfig,
        models.TableModel,
        models.SourceModel,
        models.AttributeModel,
        models.PartitionsModel,
        models.GuardsModel,
        DeltaConfig,
        SendConfig,
        BrazeResource,
    ],
    ids=lambda model: model.__name__,
)
def test_every_setting_is_documented(model: Any) -> None:
    assert set(model.model_fields) - _code(CONFIGURATION) == set()


def _shown(default: object) -> str:
    return {True: "`true`", False: "`false`"}.get(default, "") if isinstance(default, bool) else str(default)


_SECTIONS = {
    AttributeSync: "A sync",
    CurrentsFeed: "A Currents feed",
    Destination: "A destination",
    AttributeCatalog: "The attribute catalog",
    Alerts: "Alerts",
    ScheduleModel: "A schedule",
    Orchestrations: "Orchestrations",
}


@pytest.mark.parametrize("model", _SECTIONS, ids=lambda model: model.__name__)
def test_defaults_are_the_documented_ones(model: Any) -> None:
    section = CONFIGURATION.partition(f"\n## {_SECTIONS[model]}\n")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*?) ?\|", section, re.MULTILINE))
    for name, field in model.model_fields.items():
        default = field.default
        if isinstance(default, (str, int, float)) and field.is_required() is False:
            assert rows[name].strip("`") == _shown(default).strip("`"), name


def test_the_full_example_shows_every_setting() -> None:
    examples = [yaml.safe_load(block.text)["attributes"] for block in blocks("yaml", "configuration.md")]
    full = examples[0]
    assert set(full) == set(AttributeSync.model_fields)
    assert set(full["guards"]) == set(models.GuardsModel.model_fields)


def test_every_guard_and_no_other_is_documented() -> None:
    section = CONFIGURATION.partition("### Guards")[2].partition("\n### ")[0]
    assert _first_cells(section) == [guard.name for guard in GUARDS]


def test_every_finding_and_no_other_is_documented() -> None:
    section = read("types.md").partition("## Findings")[2].partition("\n## ")[0]
    assert sorted(_first_cells(section)) == sorted(CATALOGUE)


def test_every_profile_field_is_documented() -> None:
    assert set(PROFILE_FIELDS) - _code(read("types.md")) == set()


def test_every_deployment_is_documented() -> None:
    section = CONFIGURATION.partition("## Deployments")[2].partition("\n## ")[0]
    assert set(DEPLOYMENTS) <= _code(section)


def _package_variables() -> set[str]:
    sources = (ROOT / "braze_assets").rglob("*.py")
    return {name for path in sources for name in _VARIABLE.findall(path.read_text(encoding="utf-8"))}


def test_every_environment_variable_is_documented() -> None:
    section = CONFIGURATION.partition("## Environment variables")[2].partition("\n## ")[0]
    assert {name for name in _first_cells(section) if name.startswith("BRAZE_")} == _package_variables()


def test_the_example_file_has_no_variable_of_its_own() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    names = set(re.findall(r"^#? ?([A-Z][A-Z_]+)=", example, re.MULTILINE))
    section = CONFIGURATION.partition("## Environment variables")[2].partition("\n## ")[0]
    documented = set(_first_cells(section))
    assert names <= documented
    # The demo's own folder is nobody's setting in production.
    assert {name for name in documented if name.startswith("BRAZE_")} - names <= {"BRAZE_ASSETS_LOCAL"}


def test_no_document_names_a_variable_that_does_not_exist() -> None:
    known = _package_variables() | {"BRAZE_API_KEY_EU", "BRAZE_API_KEY_US"}
    for path in DOCS:
        assert set(_VARIABLE.findall(path.read_text(encoding="utf-8"))) <= known, path.name


def _named_in(block: Block) -> list[Block]:
    """The destinations and templates that a block speaks of, as the same document shows them."""
    found: dict[str, Block] = {}
    waiting = [block]
    while waiting:
        text = waiting.pop().text
        for other in blocks("yaml", block.file):
            kind = re.match(r"type: braze_assets\.(Destination|DataTemplate)\b", other.text)
            name = kind and yaml.safe_load(other.text)["attributes"]["name"]
            named = name and re.search(
                rf"^  (destination|template|destinations): .*\b{name}\b", text, re.MULTILINE
            )
            if named and other != block and name not in found:
                found[str(name)] = other
                waiting.append(other)
    return list(found.values())


_SYNCS_OF_AUDIENCES = {
    "buyers": "lifetime_value",
    "daily_buyers": "last_order, orders",
    "weekly_value": "tier",
    "monthly_everyone": "country",
}
_SEGMENTS = "type: braze_assets.Segments\nattributes:\n  segments:\n" + "".join(
    f"    - {{name: {name}, rule: {{merged_customers.country: {{is: DE}}}}}}\n"
    for name in ("lapsing", "excluded", "high_value")
)
_DROP = "type: braze_assets.CsvDrop\nattributes: {{name: {name}, url: {url}}}\n"


@pytest.mark.parametrize(
    "block",
    [each for each in blocks("yaml") if "type: braze_assets." in each.text],
    ids=lambda block: block.id,
)
def test_yaml_loads(block: Block, tmp_path: Path) -> None:
    project = Project(tmp_path, str(tmp_path / "storage"))
    project.write("it/vip.sql", "SELECT external_id, tier, points FROM members, shops")
    project.write("it/orders.sql", "SELECT order_id, external_id, ordered_at FROM members, shops")
    for name, columns in _SYNCS_OF_AUDIENCES.items():
        project.write(f"it/{name}.sql", f"SELECT external_id, {columns} FROM members")
    if re.search("segment:|include:", block.text) and "type: braze_assets.Segments" not in block.text:
        project.write("named/defs.yaml", _SEGMENTS)
    documents = [each or {} for each in yaml.safe_load_all(block.text)]
    for name in [flow for each in documents for flow in (each.get("attributes") or {}).get("flows", ())]:
        project.write(f"flow_{name}/defs.yaml", _DROP.format(name=name, url=tmp_path))
    project.write("it/loyalty.sql", "SELECT id AS external_id, tier FROM members")
    project.write("it/members.csv", "id,tier\n1,Gold\n")
    project.write("it/customers.csv", "external_id,tier\n1,Gold\n")
    project.write("it/defs.yaml", block.text)
    for number, other in enumerate(_named_in(block)):
        project.write(f"named{number}/defs.yaml", other.text)
    made = [
        asset
        for asset in project.load().assets or ()
        if isinstance(asset, (dg.AssetsDefinition, dg.AssetSpec))
    ]
    specs = [
        spec
        for asset in made
        for spec in (asset.specs if isinstance(asset, dg.AssetsDefinition) else [asset])
    ]
    read_from = {dependency.asset_key for spec in specs for dependency in spec.deps} - {
        spec.key for spec in specs
    }
    whole = project.definitions(assets=[dg.AssetSpec(key) for key in read_from])
    dg.Definitions.validate_loadable(whole)


@pytest.mark.parametrize("block", blocks("python"), ids=lambda block: block.id)
def test_python_runs(block: Block, tmp_path: Path) -> None:
    # The project of own-project.md.
    (tmp_path / "acme" / "defs").mkdir(parents=True)
    (tmp_path / "acme" / "defs" / "__init__.py").touch()
    result = subprocess.run(
        [sys.executable, "-c", block.text],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("block", blocks("json"), ids=lambda block: block.id)
def test_json_is_json(block: Block) -> None:
    assert json.loads(block.text)["Version"] == "2012-10-17"


def _run_configurations() -> list[dict[str, Any]]:
    found = [re.findall(r"--config-json\s+\\?\s*'(.*?)'", block.text, re.DOTALL) for block in blocks("sh")]
    return [json.loads(text) for texts in found for text in texts]


def test_run_configurations_fit_the_assets() -> None:
    shown = _run_configurations()
    assert len(shown) >= 3
    for document in shown:
        for name, op in document["ops"].items():
            model = DeltaConfig if name.endswith("_delta") else SendConfig
            assert model(**op["config"])
            assert set(op["config"]) <= set(model.model_fields)
            assert set(op["config"].get("allow", ())) <= {guard.name for guard in GUARDS}


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_lines_are_short_enough_to_read(path: Path) -> None:
    prose = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    long = [line for line in prose.splitlines() if len(line) > 125 and not line.startswith("|")]
    assert not long, long
