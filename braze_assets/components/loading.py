"""Load a folder of YAML and SQL, and say what is wrong with it so that it can be put right."""

import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import dagster as dg
from dagster.components.core.component_tree import ComponentTreeException
from pydantic import BaseModel, ValidationError

from braze_assets.errors import BrazeAssetsError, ConfigurationError

__all__ = ["load_folder"]

_PLACE = re.compile(r"^(?P<setting>.*) at (?P<place>.*:\d+)$")


def load_folder(folder: ModuleType, project_root: Path) -> dg.Definitions:
    """The definitions of all components in a folder.

    Only this folder is loaded: looking through every installed package for components, as Dagster's own
    loader does, takes longer than all the rest.

    Raises:
        ConfigurationError: A YAML file is wrong; names file, line, setting and what was expected.
        QueryError: A SQL file is wrong.
    """
    tree = dg.ComponentTree.from_module(folder, project_root)
    try:
        return tree.build_defs_at_path(tree.defs_module_path)
    except ComponentTreeException as error:
        for cause in _causes(error):
            if isinstance(cause, BrazeAssetsError):
                raise cause from None
            if isinstance(cause, ValidationError):
                raise _explained(cause) from None
        raise


def _causes(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__


def _explained(error: ValidationError) -> ConfigurationError:
    problems, places, expected = [], [], []
    for each in error.errors(include_url=False):
        location = ".".join(str(part) for part in each["loc"]).strip("`")
        match = _PLACE.match(location)
        setting = (match["setting"] if match else location).removeprefix("attributes.")
        # A value may be a template as well, so every nested setting is also tried as a plain text.
        if setting.endswith(".str"):
            continue
        setting = re.sub(r"\.[A-Z]\w*\.", ".", setting)
        if match and match["place"] not in places:
            places.append(match["place"])
        problems.append(_problem(setting, each["type"], str(each["msg"])))
        if each["type"] == "extra_forbidden":
            expected.append(_expected(setting))
    return ConfigurationError(
        "; ".join(problems) or str(error),
        place=", ".join(places) or error.title,
        remedy=" ".join(filter(None, expected))
        or "Correct the setting; docs/configuration.md lists them all.",
    )


def _problem(setting: str, kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return f"The setting {setting!r} is unknown"
    if kind == "missing":
        return f"The setting {setting!r} is missing"
    return f"The setting {setting!r} is wrong: {message.removeprefix('Value error, ')}"


def _expected(setting: str) -> str:
    from braze_assets.components import models
    from braze_assets.components.attribute_sync import AttributeSync

    above, _, name = setting.rpartition(".")
    by_setting: dict[str, type[BaseModel]] = {
        "": AttributeSync,
        "table": models.TableModel,
        "guards": models.GuardsModel,
        "partitions": models.PartitionsModel,
    }
    model = by_setting.get(above.split(".")[0])
    if model is None:
        return ""
    known = list(model.model_fields)
    near = difflib.get_close_matches(name, known, n=1)
    return (f"Did you mean {near[0]!r}? " if near else "") + f"Known here: {', '.join(known)}."
