"""All components of a project that write attributes."""

from collections.abc import Sequence

import dagster as dg

from braze_assets.components.overlap import Writer
from braze_assets.components.references import declared

__all__ = ["writers"]


def writers(context: dg.ComponentLoadContext) -> Sequence[Writer]:
    """All of them."""
    # They ask for each other: none of them can import the others at the top.
    from braze_assets.components.attribute_sync import AttributeSync
    from braze_assets.components.audiences import Audiences
    from braze_assets.components.campaign import Campaign

    kinds: tuple[type[AttributeSync | Audiences | Campaign], ...] = (AttributeSync, Audiences, Campaign)
    return [each for kind in kinds for each in declared(context, kind).values()]
