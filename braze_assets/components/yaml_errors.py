"""What is wrong with a YAML file: file, line, setting, and what was expected."""

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml
from pydantic import BaseModel, ValidationError

import braze_assets
from braze_assets.errors import ConfigurationError

__all__ = ["line_of", "places_of", "unknown_component", "unreadable_yaml", "wrong_settings"]

_DOCS = "docs/configuration.md lists all settings."
# What pydantic and Dagster put between the names of settings: alternatives of a type, and models.
_NOT_A_SETTING = re.compile(r"(dict|list|nullable|literal|union)\[.*\]|constrained-\w+|str|[A-Z]\w*")

_VALIDATOR = re.compile(r"\.function-\w+\[.*", re.DOTALL)
"""What a validator is called, which says nothing to who wrote the file."""


def wrong_settings(
    error: ValidationError, file: Path, models: Mapping[str, type[BaseModel]]
) -> ConfigurationError:
    """The error of a file whose settings do not fit.

    Args:
        error: What pydantic found.
        file: The YAML file.
        models: The model of each setting that has settings of its own; `""` is the component itself.
    """
    above = {model.__name__: name for name, model in models.items()}.get(error.title, "")
    problems, places, remedies = [], [], []
    for each in error.errors(include_url=False):
        path_text = _VALIDATOR.sub("", ".".join(str(part) for part in each["loc"]))
        parts = path_text.partition(" at ")[0].split(".")
        # Every setting may be a template as well, so each is also tried as a text.
        if parts[-1] == "str":
            continue
        path = [part for part in parts if part and not _NOT_A_SETTING.fullmatch(part)]
        # Only the component's own model is told of the key that stands above all settings in the file.
        if path[:1] == ["attributes"] and error.title != models[""].__name__:
            path = path[1:]
        path = [above, *path] if above else path
        problems.append(_problem(".".join(path), each["type"], str(each["msg"])))
        places.append(f"{file}:{_line(file, ['attributes', *path])}")
        remedies.append(_remedy(path, each["type"], models))
    return ConfigurationError(
        "; ".join(problems), place=", ".join(dict.fromkeys(places)), remedy=" ".join(dict.fromkeys(remedies))
    )


def line_of(file: Path, text: str) -> str:
    """The file with the line that a text is on, or the file where it is on none."""
    lines = file.read_text(encoding="utf-8").splitlines()
    word = re.compile(rf"(?<![\w.*?]){re.escape(text)}(?![\w.*?])")
    number = next((number for number, line in enumerate(lines, start=1) if word.search(line)), None)
    return f"{file}:{number}" if number else f"{file}: {text}"


def places_of(text: str, folder: Path) -> list[str]:
    """The lines of all YAML files below a folder that have a text: file and number."""
    return [
        f"{file}:{number}"
        for file in sorted(folder.rglob("*.yaml"))
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if text in line
    ]


def unreadable_yaml(error: yaml.MarkedYAMLError, folder: Path) -> ConfigurationError:
    """The error of a file that is not YAML."""
    mark = error.problem_mark or error.context_mark
    return ConfigurationError(
        f"The file is not YAML: {error.problem or error.context}.",
        place=f"{mark.name}:{mark.line + 1}" if mark else str(folder),
        remedy="Correct the line, or the one before it: brackets, quotes, indentation.",
    )


def unknown_component(message: str, folder: Path) -> ConfigurationError:
    """The error of a file whose `type` names nothing."""
    quoted = re.findall(r"`([^`]+)`", message)
    name = quoted[-1] if quoted else message
    place = next(iter(places_of(name, folder)), str(folder))
    known = [f"braze_assets.{each}" for each in braze_assets.__all__]
    near = difflib.get_close_matches(f"braze_assets.{name}", known, n=1)
    return ConfigurationError(
        f"The type {name!r} is unknown.",
        place=place,
        remedy=(f"Did you mean {near[0]}? " if near else "") + f"This package has {', '.join(known)}.",
    )


def _problem(setting: str, kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return f"The setting {setting!r} is unknown"
    if kind == "missing":
        return f"The setting {setting!r} is missing"
    if kind == "sequence_str":
        return f"The setting {setting!r} is wrong: a list is expected, not a text"
    return f"The setting {setting!r} is wrong: {message.removeprefix('Value error, ')}"


def _remedy(path: Sequence[str], kind: str, models: Mapping[str, type[BaseModel]]) -> str:
    model = models.get(path[0] if len(path) > 1 else "")
    if kind != "extra_forbidden" or model is None:
        return _DOCS
    known = list(model.model_fields)
    near = difflib.get_close_matches(path[-1], known, n=1)
    return (f"Did you mean {near[0]!r}? " if near else "") + f"Known here: {', '.join(known)}."


def _line(file: Path, path: Sequence[str]) -> int:
    """The line of a setting, or of the closest one above it that is there."""
    node, line = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader), 1
    for name in path:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = next((pair for pair in pairs if pair[0].value == name), None)
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line
