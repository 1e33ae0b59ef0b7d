"""What an asset may ask for: a stored table as the type its parameter is annotated with."""

import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from braze_assets.storage import StoredTable
from braze_assets.storage.partitions import PartitionedTable

__all__ = ["convert", "unwrap_optional"]


def unwrap_optional(hint: Any) -> tuple[Any, bool]:
    """`X | None` as X and True, anything else as itself and False."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        arguments = [each for each in typing.get_args(hint) if each is not type(None)]
        if len(arguments) == 1:
            return arguments[0], True
    return hint, False


def convert(table: PartitionedTable, hint: Any) -> Any:
    """A table as the hinted type; without a hint, as a lazy pyarrow Dataset.

    Many partitions make one table, unless the hint is `dict[str, X]` (one X a partition) or
    `PartitionedTable`.

    Raises:
        TypeError: The hint is not a known table type.
    """
    if hint is PartitionedTable:
        return table
    if typing.get_origin(hint) is dict:
        item = typing.get_args(hint)[1]
        return {key: _converter(item)(part) for key, part in table.items()}
    return _converter(hint)(table.all())


def _converter(hint: Any) -> Callable[[StoredTable], Any]:
    name = f"{getattr(hint, '__module__', '').split('.')[0]}.{getattr(hint, '__name__', hint)}"
    if hint is StoredTable:
        return lambda table: table
    converters: Mapping[str, Callable[[StoredTable], Any]] = {
        "typing.Any": lambda table: table.dataset(),
        "builtins.object": lambda table: table.dataset(),
        "pyarrow.Dataset": lambda table: table.dataset(),
        "pyarrow.FileSystemDataset": lambda table: table.dataset(),
        "pyarrow.RecordBatchReader": lambda table: table.dataset().scanner().to_reader(),
        "pyarrow.Table": lambda table: table.dataset().to_table(),
        "pandas.DataFrame": lambda table: table.dataset().to_table().to_pandas(),
        "polars.DataFrame": _polars_frame,
        "polars.LazyFrame": _polars_lazy,
    }
    if name not in converters:
        raise TypeError(
            f"An asset asks for a {name}. Annotate the parameter with StoredTable, PartitionedTable, "
            "pyarrow.dataset.Dataset, pyarrow.Table, pyarrow.RecordBatchReader, polars.LazyFrame, "
            "polars.DataFrame, pandas.DataFrame, or dict[str, one of these]."
        )
    return converters[name]


def _polars_frame(table: StoredTable) -> Any:
    import polars

    return polars.from_arrow(table.dataset().to_table())


def _polars_lazy(table: StoredTable) -> Any:
    import polars

    return polars.scan_pyarrow_dataset(table.dataset())
