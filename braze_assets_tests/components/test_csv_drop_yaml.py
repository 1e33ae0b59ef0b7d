"""A drop in YAML: what is wrong is said with file and line, before anything runs."""

from pathlib import Path

import dagster as dg
import pytest

from braze_assets.errors import BrazeAssetsError
from braze_assets_tests.projects import Project

YAML = "type: braze_assets.CsvDrop\nattributes:\n  name: loyalty\n  url: {url}\n  {line}\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("identifer: external_id", "Did you mean 'identifier'?"),
        ("casts: {a: number}", "casts"),
        ("encoding: utf-99", "'utf-99' is not an encoding of text"),
        ("delimiter: ',,'", "cannot be a delimiter"),
        ("when_done: tag", "Files of a folder have no tags"),
        ("look_seconds: 90", "look_seconds"),
        ("destination: brase", "'brase' is unknown"),
    ],
)
def test_wrong_settings_are_refused_with_their_line(tmp_path: Path, line: str, said: str) -> None:
    project = Project(tmp_path, str(tmp_path / "storage"))
    project.write("it/defs.yaml", YAML.format(url=tmp_path / "drop", line=line))
    with pytest.raises(BrazeAssetsError) as caught:
        project.load()
    assert said in str(caught.value)
    assert "defs.yaml:5" in str(caught.value)


def test_the_folder_can_be_that_of_the_destination(tmp_path: Path) -> None:
    """K05: the drop location is a setting of the destination."""
    project = Project(tmp_path, str(tmp_path / "storage"))
    project.write(
        "to/defs.yaml",
        """\
        type: braze_assets.Destination
        attributes: {name: acme, instance: US-03, identifier: external_id, s3_bucket: acme-braze,
          s3_folder: in}
        """,
    )
    project.write(
        "it/defs.yaml",
        "type: braze_assets.CsvDrop\nattributes: {name: loyalty, destination: acme}\n",
    )
    specs = [each for each in project.load().assets or () if isinstance(each, dg.AssetSpec)]
    [url] = [spec.metadata["url"] for spec in specs if spec.key == dg.AssetKey("loyalty_files")]
    assert getattr(url, "value", url) == "s3://acme-braze/in"
