"""Column schemas that are declared, not only read off a file."""

from collections.abc import Iterable
from typing import Any, Protocol

import dagster as dg

__all__ = ["DeclaredColumn", "declared_schema"]


class DeclaredColumn(Protocol):
    """A column with a name, a type and a description."""

    @property
    def name(self) -> str:  # noqa: D102
        ...

    @property
    def type(self) -> str:  # noqa: D102
        ...

    @property
    def description(self) -> str:  # noqa: D102
        ...


def declared_schema(columns: Iterable[DeclaredColumn]) -> dict[str, Any]:
    """The metadata entry of a column schema with descriptions."""
    return {
        "dagster/column_schema": dg.TableSchema(
            columns=[dg.TableColumn(each.name, each.type, each.description or None) for each in columns]
        )
    }
