"""Which resources a deployment has, as data. `BRAZE_ASSETS_DEPLOYMENT` chooses one."""

import os
from collections.abc import Callable, Mapping
from typing import Any

from braze_assets.errors import ConfigurationError
from braze_assets.resources.braze import BrazeResource
from braze_assets.resources.currents import CurrentsResource
from braze_assets.resources.sample import SampleResource
from braze_assets.resources.storage import StorageResource

__all__ = ["DEFAULT_DESTINATION", "DEPLOYMENTS", "deployment_name"]

DEFAULT_DESTINATION = "braze"
"""The resource that is the workspace of every sync that names no other."""

DEPLOYMENTS: Mapping[str, Callable[[], Mapping[str, Any]]] = {
    # One machine, a local Braze: two sends need not be far apart, it can be told to apply at once.
    "local": lambda: {
        "storage": StorageResource(),
        "braze": BrazeResource(settling_seconds=0.5),
        "currents": CurrentsResource(),
        "sample": SampleResource(),
    },
    # A sandbox workspace: a sync never goes further than a test with a few users.
    "staging": lambda: {
        "storage": StorageResource(),
        "braze": BrazeResource(most="test"),
        "currents": CurrentsResource(),
        "sample": SampleResource(),
    },
    "production": lambda: {
        "storage": StorageResource(),
        "braze": BrazeResource(),
        "currents": CurrentsResource(),
        "sample": SampleResource(),
    },
}


def deployment_name() -> str:
    """The deployment this process belongs to; `local` unless `BRAZE_ASSETS_DEPLOYMENT` says otherwise.

    Raises:
        ConfigurationError: The name is not one of `DEPLOYMENTS`.
    """
    name = os.environ.get("BRAZE_ASSETS_DEPLOYMENT") or "local"
    if name not in DEPLOYMENTS:
        raise ConfigurationError(
            f"The deployment {name!r} is unknown.",
            place="BRAZE_ASSETS_DEPLOYMENT",
            remedy=f"Set it to one of {', '.join(DEPLOYMENTS)}, or add yours to resources/deployments.py.",
        )
    return name
