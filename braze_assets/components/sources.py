"""Whether every table that is read is there."""

import difflib
import re
from pathlib import Path

import dagster as dg

from braze_assets.errors import ConfigurationError

__all__ = ["require_sources"]


def require_sources(definitions: dg.Definitions) -> dg.Definitions:
    """The same definitions, if every asset that one of them reads is defined.

    Raises:
        ConfigurationError: A table of a sync's SQL is neither an asset nor declared under `sources`.
    """
    specs = [
        spec
        for asset in definitions.assets or ()
        for spec in (asset.specs if isinstance(asset, dg.AssetsDefinition) else [asset])
        if isinstance(spec, dg.AssetSpec)
    ]
    known = {spec.key for spec in specs}
    for spec in specs:
        for dependency in spec.deps:
            if dependency.asset_key in known:
                continue
            missing = dependency.asset_key.to_user_string()
            near = difflib.get_close_matches(missing, [key.to_user_string() for key in known], n=1)
            raise ConfigurationError(
                f"{spec.key.to_user_string()} reads the table {dependency.asset_key.path[-1]}, which is not "
                f"there: no asset has the key {missing}.",
                place=_place(spec, dependency.asset_key.path[-1]),
                remedy=(f"Did you mean {near[0].rpartition('/')[2]}? " if near else "")
                + "Correct the name, or declare the table under `sources` with its asset key or URL.",
            )
    return definitions


def _place(spec: dg.AssetSpec, table: str) -> str:
    """The file and line the table is read on, as far as the asset says where it is written."""
    written = spec.metadata.get("dagster/code_references")
    for reference in getattr(written, "code_references", ()):
        if isinstance(reference, dg.LocalFileCodeReference):
            return _in_sql(Path(reference.file_path).parent, table) or (
                f"{reference.file_path}:{reference.line_number or 1}"
            )
    return f"the SQL of {spec.key.to_user_string()}"


def _in_sql(folder: Path, table: str) -> str | None:
    """The first line of a SQL file there that names the table."""
    word = re.compile(rf"\b{re.escape(table)}\b", re.IGNORECASE)
    for file in sorted(folder.rglob("*.sql")):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            if word.search(line):
                return f"{file}:{number}"
    return None
