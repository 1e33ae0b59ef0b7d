"""CSV drops: files in a folder, one partition for each content, sent to Braze."""

from braze_assets.assets.csv_drops.build import build_csv_drop
from braze_assets.assets.csv_drops.definition import CsvDropDefinition

__all__ = ["CsvDropDefinition", "build_csv_drop"]
