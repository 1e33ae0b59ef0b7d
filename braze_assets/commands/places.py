"""Which storage and which ledger a command means: those the definitions would use."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from braze_assets.ledger import Ledger
    from braze_assets.storage import Storage

__all__ = ["KINDS", "chosen_storage", "find_ledger"]

KINDS = ("external_id", "braze_id", "user_alias")


def chosen_storage(url: str | None = None) -> "Storage":
    """The storage of this deployment (`BRAZE_ASSETS_STORAGE`), or the one at `url`.

    Raises:
        ConfigurationError: The deployment is unknown, or the URL cannot be one.
    """
    from braze_assets.resources.deployments import DEPLOYMENTS, deployment_name
    from braze_assets.storage import Storage

    if url:
        return Storage(url)
    resource: Any = DEPLOYMENTS[deployment_name()]()["storage"]
    storage: Storage = resource.storage()
    return storage


def find_ledger(
    storage: "Storage", sync: str, identifier: str | None = None, *, new: bool = False
) -> "Ledger":
    """The ledger of a sync; its kind of identifier is the one that is stored.

    Args:
        storage: Where.
        sync: Its name.
        identifier: Its kind.
        new: Whether there may be none yet: then it is one by `external_id`.

    Raises:
        ConfigurationError: There is no ledger of this name, or there are several.
    """
    from braze_assets.errors import ConfigurationError
    from braze_assets.ledger import Ledger

    if identifier is None:
        root = storage.path("ledger", sync)
        kinds = [kind for kind in KINDS if (root / kind).exists()]
        if new and not kinds:
            kinds = ["external_id"]
        if not kinds and (root / "events").exists():
            raise ConfigurationError(
                f"The sync {sync} sends events: its ledger is of another kind.",
                place=str(root),
                remedy="Use the commands of `braze-assets events`.",
            )
        if len(kinds) != 1:
            held = ", ".join(kinds)
            raise ConfigurationError(
                f"The sync {sync} has ledgers by {held}." if kinds else f"The sync {sync} has no ledger yet.",
                place=str(root),
                remedy=f"Say which with --identifier ({', '.join(kinds or KINDS)})"
                + ("." if kinds else ", or correct the name or BRAZE_ASSETS_STORAGE."),
            )
        identifier = kinds[0]
    return Ledger(storage, sync, identifier)  # type: ignore[arg-type]
