"""Texts in YAML where a number or a group of settings belongs."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel

from braze_assets.components.yaml_errors import line_of
from braze_assets.errors import ConfigurationError

__all__ = ["misplaced_text"]

_NUMBERS = {int, float}


def misplaced_text(file: Path, components: Mapping[str, type[BaseModel]]) -> ConfigurationError | None:
    """What is wrong with a file whose texts Dagster took for templates, and stumbled over later.

    Args:
        file: The YAML file.
        components: By the name that `type` ends with.
    """
    for document in yaml.safe_load_all(file.read_text(encoding="utf-8")):
        if not isinstance(document, dict) or not isinstance(document.get("attributes"), dict):
            continue
        model = components.get(str(document.get("type")).rpartition(".")[2])
        for path, expected in _misplaced(document["attributes"], model) if model else ():
            return ConfigurationError(
                f"The setting {'.'.join(path)!r} is wrong: {expected} is expected, not a text.",
                place=line_of(file, path[-1]),
                remedy="docs/configuration.md lists all settings.",
            )
    return None


def _misplaced(settings: Mapping[str, Any], model: type[BaseModel]) -> Iterator[tuple[list[str], str]]:
    for name, value in settings.items():
        kinds = _kinds(model, name)
        groups = [kind for kind in kinds if issubclass(kind, BaseModel)]
        if isinstance(value, dict) and groups:
            yield from (([name, *path], expected) for path, expected in _misplaced(value, groups[0]))
        if not isinstance(value, str) or "{{" in value or str in kinds:
            continue
        if groups:
            yield [name], "a group of settings"
        elif kinds & _NUMBERS:
            yield [name], "a number"


def _kinds(model: type[BaseModel], name: str) -> set[type]:
    """The types a setting may have; none for a setting that is not there, and for lists and mappings."""
    field = model.model_fields.get(name)
    annotation = field.annotation if field else None
    return {each for each in (annotation, *get_args(annotation)) if isinstance(each, type)}
