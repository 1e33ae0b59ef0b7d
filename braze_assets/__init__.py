"""A Dagster data-asset project that keeps Braze in step with customer data."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from braze_assets.components import (
        Alerts,
        AttributeCatalog,
        AttributeSync,
        Audiences,
        Campaign,
        CsvDrop,
        CurrentsFeed,
        DataTemplate,
        Destination,
        EventSync,
        Orchestrations,
        SampleCustomer360,
        Segments,
    )

__all__ = [
    "Alerts",
    "AttributeCatalog",
    "AttributeSync",
    "Audiences",
    "Campaign",
    "CsvDrop",
    "CurrentsFeed",
    "DataTemplate",
    "Destination",
    "EventSync",
    "Orchestrations",
    "SampleCustomer360",
    "Segments",
]


def __getattr__(name: str) -> Any:
    # Late, so that what knows Braze and the delta can be imported without Dagster.
    if name in __all__:
        from braze_assets import components

        return getattr(components, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    # `dg` looks for components among the members of the module.
    return [*globals(), *__all__]
