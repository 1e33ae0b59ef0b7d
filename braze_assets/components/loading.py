"""Load a folder of YAML and SQL, and say what is wrong with it so that it can be put right."""

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import dagster as dg
import yaml
from dagster.components.core.component_tree import ComponentTreeException
from dagster_shared.error import DagsterUnresolvableSymbolError
from pydantic import BaseModel, ValidationError

from braze_assets.braze.redaction import hide, secrets_of_environment
from braze_assets.components import models
from braze_assets.components.alerts import Alerts
from braze_assets.components.attribute_catalog import AttributeCatalog, CatalogAttributeModel
from braze_assets.components.attribute_sync import AttributeSync
from braze_assets.components.audiences import AudienceModel, Audiences
from braze_assets.components.campaign import Campaign
from braze_assets.components.channel_model import ChannelModel
from braze_assets.components.csv_drop import CsvDrop, CsvDropGuardsModel
from braze_assets.components.currents_feed import CurrentsFeed
from braze_assets.components.data_template import DataTemplate
from braze_assets.components.destination import Destination, LimitsModel
from braze_assets.components.event_models import EventColumnsModel, EventGuardsModel
from braze_assets.components.event_sync import EventSync
from braze_assets.components.orchestrations import Orchestrations
from braze_assets.components.plain_texts import misplaced_text
from braze_assets.components.schedule_model import ScheduleModel
from braze_assets.components.segments import SegmentModel, Segments
from braze_assets.components.sync_settings import SyncSettings
from braze_assets.components.yaml_errors import unknown_component, unreadable_yaml, wrong_settings
from braze_assets.errors import BrazeAssetsError, ConfigurationError

__all__ = ["load_folder"]

_SYNC: dict[str, type[BaseModel]] = {
    "": AttributeSync,
    "table": models.TableModel,
    "sources": models.SourceModel,
    "attributes": models.AttributeModel,
    "guards": models.GuardsModel,
    "partitions": models.PartitionsModel,
    "schedule": ScheduleModel,
}
_FEED: dict[str, type[BaseModel]] = {"": CurrentsFeed}
_CSV_DROP: dict[str, type[BaseModel]] = {"": CsvDrop, "guards": CsvDropGuardsModel}
_EVENTS: dict[str, type[BaseModel]] = {
    "": EventSync,
    "table": models.TableModel,
    "columns": EventColumnsModel,
    "sources": models.SourceModel,
    "guards": EventGuardsModel,
    "partitions": models.PartitionsModel,
    "schedule": ScheduleModel,
}
_DESTINATION: dict[str, type[BaseModel]] = {"": Destination, "limits": LimitsModel, "defaults": SyncSettings}
_TEMPLATE: dict[str, type[BaseModel]] = {**_SYNC, "": DataTemplate}
_CATALOG: dict[str, type[BaseModel]] = {"": AttributeCatalog, "attributes": CatalogAttributeModel}
_SEGMENTS: dict[str, type[BaseModel]] = {
    "": Segments,
    "segments": SegmentModel,
    "sources": models.SourceModel,
    "partitions": models.PartitionsModel,
}
_MEMBERS: dict[str, type[BaseModel]] = {
    "sources": models.SourceModel,
    "guards": models.GuardsModel,
    "partitions": models.PartitionsModel,
    "schedule": ScheduleModel,
}
_CAMPAIGN: dict[str, type[BaseModel]] = {"": Campaign, **_MEMBERS}
_AUDIENCES: dict[str, type[BaseModel]] = {"": Audiences, "audiences": AudienceModel, **_MEMBERS}
_ALERTS: dict[str, type[BaseModel]] = {"": Alerts, "channels": ChannelModel}
_VOCABULARIES: dict[str, dict[str, type[BaseModel]]] = {
    "Alerts": _ALERTS,
    "Channel": _ALERTS,
    "Orchestrations": {"": Orchestrations},
    "Campaign": _CAMPAIGN,
    "Audience": _AUDIENCES,
    "Segment": _SEGMENTS,
    "CsvDrop": _CSV_DROP,
    "CurrentsFeed": _FEED,
    "EventSync": _EVENTS,
    "EventColumns": _EVENTS,
    "EventGuards": _EVENTS,
    "Destination": _DESTINATION,
    "Limits": _DESTINATION,
    "DataTemplate": _TEMPLATE,
    "AttributeCatalog": _CATALOG,
    "CatalogAttribute": _CATALOG,
    "Bucket": _CATALOG,
}
"""By the beginning of the name of the model that does not fit; a sync of attributes otherwise."""
_FAILED = re.compile(r"component (?P<path>.+)\[\d+\]:")


def load_folder(folder: ModuleType, project_root: Path) -> dg.Definitions:
    """The definitions of all components in a folder.

    Only this folder is loaded: looking through every installed package for components, as Dagster's own
    loader does, takes longer than all the rest.

    Raises:
        ConfigurationError: A YAML file is wrong; names file, line, setting and what was expected.
        QueryError: A SQL file is wrong.
    """
    tree = dg.ComponentTree.from_module(folder, project_root)
    path = tree.defs_module_path
    try:
        with warnings.catch_warnings():
            # Dagster warns of its own copying of sensors: nobody here sets their owners.
            warnings.filterwarnings("ignore", "Parameter `owners` of initializer", dg.BetaWarning)
            return tree.build_defs_at_path(path)
    except yaml.MarkedYAMLError as error:
        raise _discreet(unreadable_yaml(error, path)) from None
    except DagsterUnresolvableSymbolError as error:
        raise _discreet(unknown_component(str(error), path)) from None
    except ComponentTreeException as error:
        raise _discreet(_explained(error, path)) from None


def _discreet(error: BrazeAssetsError) -> BrazeAssetsError:
    """A YAML file may quote any variable of the environment; what it says wrong may be a key."""
    secrets = secrets_of_environment()
    error.cause = hide(error.cause, secrets)
    error.place = error.place and hide(error.place, secrets)
    error.remedy = error.remedy and hide(error.remedy, secrets)
    error.args = (error.cause,)
    return error


def _explained(error: ComponentTreeException, folder: Path) -> BrazeAssetsError:
    match = _FAILED.search(str(error))
    file = folder / (match["path"] if match else ".") / "defs.yaml"
    for cause in _causes(error):
        if isinstance(cause, BrazeAssetsError):
            return cause
        if isinstance(cause, DagsterUnresolvableSymbolError):
            return unknown_component(str(cause), folder)
        if isinstance(cause, ValidationError) and file.exists():
            fitting = (each for name, each in _VOCABULARIES.items() if cause.title.startswith(name))
            return wrong_settings(cause, file, next(fitting, _SYNC))
    components = {each[""].__name__: each[""] for each in (_SYNC, *_VOCABULARIES.values())}
    if file.exists() and (wrong := misplaced_text(file, components)):
        return wrong
    # Whatever Dagster does not like of it: an owner, a cron line, a group.
    *_, root = _causes(error)
    return ConfigurationError(
        str(root).splitlines()[0] if str(root) else type(root).__name__,
        place=str(file),
        remedy="Correct the setting; docs/configuration.md lists them all.",
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__
