"""The IO manager: every table asset as Parquet, on S3 or in a folder, by one URL."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
import pyarrow as pa

from braze_assets.errors import BrazeAssetsError, StorageError
from braze_assets.io_managers.inputs import convert, unwrap_optional
from braze_assets.io_managers.outputs import TableOutput, to_batches
from braze_assets.io_managers.paths import FILE_NAME, partition_folders, stored_table, table_folders
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.interrupts import remembered_interrupts
from braze_assets.resources.storage import StorageResource
from braze_assets.storage import Written, write_parquet
from braze_assets.storage.partitions import PartitionedTable

__all__ = ["ParquetIOManager", "column_schema"]

_COLUMNS = "dagster/column_schema"


class ParquetIOManager(dg.ConfigurableIOManager):
    """Parquet files in Hive-style folders, written whole or not at all, read lazily.

    An asset hands over a table (see `TableOutput`), or, when one run makes a range of partitions, an
    iterator of `(partition key, table)`, with the key None where there are no partitions: each is stored
    and reported as it comes, so that a run which fails in the middle keeps what it made, and what makes a
    table stays open until it is stored. An asset gets its input as the type it is annotated with.
    """

    storage: dg.ResourceDependency[StorageResource]

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Store what an asset made."""
        keys = list(context.asset_partition_keys) if context.has_asset_partitions else [None]
        with dagster_failures(), remembered_interrupts() as look:
            # A reader is an iterator too, but of batches of one table.
            if isinstance(obj, Iterator) and not isinstance(obj, pa.RecordBatchReader):
                self._write_each(context, keys, obj, look)
                return
            if len(keys) != 1:
                raise StorageError(
                    f"The asset handed over one table for {len(keys)} partitions.",
                    place=context.asset_key.to_user_string(),
                    remedy="Yield (partition key, table) pairs, or run each partition by itself.",
                )
            self._write_each(context, keys, iter([(keys[0], obj)]), look)

    def _write_each(
        self,
        context: dg.OutputContext,
        keys: Sequence[str | None],
        tables: Iterator[tuple[str | None, Any]],
        look: Callable[[], None],
    ) -> None:
        missing = dict.fromkeys(keys)
        for key, table in tables:
            look()
            if key not in missing:
                raise StorageError(
                    f"The asset made partition {key}, which this run was not asked for.",
                    place=context.asset_key.to_user_string(),
                    remedy="Yield each partition of the run once.",
                )
            del missing[key]
            written, output = self._write(context, key, table)
            metadata = _metadata(written, output, partitioned=key is not None)
            if len(keys) == 1:
                context.log.info("Stored %s rows in %s", f"{written.rows:,}", written.uri)
                context.add_output_metadata(metadata)
                continue
            # At once, so that a crash later in the range does not hide what is already stored
            # (without the columns, which are most of it: a month of hours would be 20 MB of them) ...
            early = {name: each for name, each in metadata.items() if name != _COLUMNS}
            context.log_event(dg.AssetMaterialization(context.asset_key, partition=key, metadata=early))
            # ... and on the event that closes the step, which would otherwise show no figures.
            context.step_context.add_asset_metadata(metadata, asset_key=context.asset_key, partition_key=key)
        if missing:
            raise StorageError(
                f"The asset made no table for {len(missing)} partitions, {next(iter(missing))} the first.",
                place=context.asset_key.to_user_string(),
                remedy="Yield each partition of the run once; an empty table where there is nothing.",
            )

    def _write(self, context: dg.OutputContext, key: str | None, obj: Any) -> tuple[Written, TableOutput]:
        output = obj if isinstance(obj, TableOutput) else TableOutput(obj)
        schema, batches = to_batches(output.data)
        folders = table_folders(context.asset_key)
        if key is not None:
            folders += partition_folders(context.asset_partitions_def, key)
        path = self.storage.storage().path(*folders, FILE_NAME)
        written = write_parquet(
            path,
            batches,
            schema=schema,
            metadata=output.documents,
            row_group_bytes=output.row_group_bytes,
        )
        return written, output

    def load_input(self, context: dg.InputContext) -> Any:
        """Hand a stored table to an asset as the type it asks for."""
        hint, optional = unwrap_optional(context.dagster_type.typing_type)
        with dagster_failures():
            table = self.table(context)
            if hint is not PartitionedTable:
                absent = [key for key in table if not table[key].exists()]
                if optional and (absent or not len(table)):
                    return None
                if absent:
                    table.existing(absent[0])
            try:
                return convert(table, hint)
            except BrazeAssetsError:
                raise
            except (OSError, pa.ArrowInvalid) as error:
                raise StorageError(
                    f"The stored table cannot be read: {type(error).__name__}.",
                    place=", ".join(table.all().uris[:3]),
                    remedy="Materialize it again.",
                ) from (error if isinstance(error, OSError) and error.errno else None)

    def table(self, context: dg.InputContext) -> PartitionedTable:
        """The files behind an input, unopened."""
        storage = self.storage.storage()
        name = context.asset_key.to_user_string()
        if not context.has_asset_partitions:
            whole = stored_table(storage, context.asset_key)
            return PartitionedTable(name, {"": whole}, whole=whole)
        partitions = context.asset_partitions_def
        return PartitionedTable(
            name,
            {
                key: stored_table(storage, context.asset_key, partitions, key)
                for key in context.asset_partition_keys
            },
        )


def column_schema(schema: pa.Schema, descriptions: Mapping[str, str]) -> dg.TableSchema:
    """An Arrow schema as Dagster shows it."""
    return dg.TableSchema(
        columns=[dg.TableColumn(each.name, str(each.type), descriptions.get(each.name)) for each in schema]
    )


def _metadata(written: Written, output: TableOutput, *, partitioned: bool) -> dict[str, Any]:
    rows = "dagster/partition_row_count" if partitioned else "dagster/row_count"
    return {
        rows: written.rows,
        "dagster/uri": written.uri,
        _COLUMNS: column_schema(written.schema, output.descriptions),
        "size_bytes": written.bytes,
        **output.metadata,
    }
