"""Braze's limits, as settings: they differ by contract, so every one can be overridden.

Sources: Braze documentation "Create and update users", "API limits", "Export users by identifier",
as they stood in September 2026. Where the documentation contradicts itself the safer value is the default.
"""

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one destination accepts. Sizes in bytes, lengths in characters, times in seconds."""

    objects_per_request: int = 75
    """Objects in one `/users/track` request, all arrays together (documented: 75 combined)."""
    bytes_per_request: int = 4_000_000
    """Body of one request (documented: 4 MB; read as decimal megabytes to stay below either reading)."""
    requests_per_window: int = 3_000
    """`/users/track` requests in one window (documented burst: 3,000 requests in 3 seconds)."""
    window_seconds: float = 3.0
    requests_per_hour: int | None = None
    """An hourly budget, for contracts that have one; it starts anew on the clock hour."""
    string_chars: int = 255
    """A longer string is dropped by Braze without an error."""
    name_chars: int = 255
    """A longer attribute name is refused."""
    external_id_bytes: int = 987
    array_items: int = 25
    """Items of an array (documented default 25, can be raised to 500 by Braze)."""
    array_bytes: int = 100_000
    csv_file_bytes: int = 500_000_000
    """A CSV file of user attributes that is imported by hand (documented: 500 MB; "User import")."""
    export_ids_per_request: int = 50
    """Identifiers in one `/users/export/ids` request."""
    export_requests_per_minute: int = 250
    """Documented for accounts since August 2024; older ones have 2,500."""
