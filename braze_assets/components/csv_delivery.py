"""Where the CSV files of a sync go, and how they are read there."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from braze_assets.assets.syncs.definition import CsvDelivery
from braze_assets.components.csv_drop import CsvDrop
from braze_assets.components.precedence import Settled, settle
from braze_assets.components.references import named
from braze_assets.components.yaml_errors import line_of
from braze_assets.errors import ConfigurationError

if TYPE_CHECKING:
    from braze_assets.components.attribute_sync import AttributeSync

__all__ = ["csv_delivery"]


def csv_delivery(context: dg.ComponentLoadContext, settled: "Settled[AttributeSync]") -> CsvDelivery | None:
    """The delivery of a sync by files; None where it is by requests.

    Raises:
        ConfigurationError: The drop is unknown, reads other files than are written, or there is no folder.
    """
    sync, file = settled.sync, context.path / "defs.yaml"
    if sync.csv_drop is not None and sync.delivery != "csv_drop":
        raise ConfigurationError(
            f"{sync.name} names the drop {sync.csv_drop!r}, and its delivery is {sync.delivery!r}.",
            place=line_of(file, "csv_drop"),
            remedy="Set `delivery: csv_drop`, or leave out `csv_drop`.",
        )
    if sync.delivery == "api":
        return None
    if sync.delivery == "csv_download":
        return CsvDelivery(form="dashboard", file_bytes=sync.csv_file_bytes)
    if sync.csv_drop is not None:
        return _of_drop(context, sync, named(context, CsvDrop, sync.csv_drop, setting="csv_drop"))
    url = settled.destination.drop_url if settled.destination else ""
    if not url:
        raise ConfigurationError(
            f"{sync.name} is delivered to a drop folder, and there is none.",
            place=line_of(file, "delivery"),
            remedy="Set s3_bucket and s3_folder of its destination, or name a CsvDrop under `csv_drop`.",
        )
    return CsvDelivery(form="drop", url=url, file_bytes=sync.csv_file_bytes)


def _of_drop(context: dg.ComponentLoadContext, sync: Any, drop: CsvDrop) -> CsvDelivery:
    [settled] = settle(context, drop)
    made = settled.sync.definition(settled)
    wrong = ""
    if made.csv.identifier != sync.identifier:
        wrong = f"its files have the identifier {made.csv.identifier!r}, the sync has {sync.identifier!r}"
    elif made.csv.encoding.lower().replace("_", "-") not in ("utf-8", "utf8"):
        wrong = f"its files are read as {made.csv.encoding}, and the sync writes UTF-8"
    if wrong:
        raise ConfigurationError(
            f"The drop {drop.name} cannot take the files of {sync.name}: {wrong}.",
            place=line_of(context.path / "defs.yaml", "csv_drop"),
            remedy="Make a drop for these files.",
        )
    return CsvDelivery(form="drop", url=made.url, reads=made.csv, file_bytes=sync.csv_file_bytes)
