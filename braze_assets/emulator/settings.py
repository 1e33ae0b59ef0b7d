"""How the local Braze behaves: one immutable settings object, changed as a whole through the control API."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from braze_assets.errors import ConfigurationError

__all__ = ["DEFAULT_API_KEY", "ForcedType", "Settings"]

DEFAULT_API_KEY = "local-braze-key"
"""The key a local Braze accepts unless told otherwise. It opens nothing else."""

ForcedType = Literal["string", "boolean", "number", "time", "array", "object", "object_array"]


class Settings(BaseModel):
    """Behaviour of a local Braze. Times in milliseconds where the name says so, else in seconds.

    Every limit is documented by Braze unless it is marked as an assumption (A); Braze documentation,
    September 2026. `None` as a limit switches it off.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    api_key: str = DEFAULT_API_KEY
    permissions: tuple[str, ...] | None = None
    """What the key may do, by Braze's names (`users.track`); `None` is everything."""
    missing_permission_status: Literal[401, 403] = 403
    """Both are documented for a key without the permission."""

    object_limit: Literal["combined", "legacy"] = "combined"
    """75 objects over all arrays of a request, or 75 in each of them (older contracts)."""
    objects_per_request: int = Field(default=75, gt=0)
    bytes_per_request: int = Field(default=4_000_000, gt=0)
    ids_per_request: int = Field(default=50, gt=0)
    """Identifiers in one request of the export and identity endpoints."""

    count_only: bool = False
    """Answer `/users/track` by counting identifiers, without parsing or keeping anything. For benchmarks."""
    latency_ms: float = Field(default=0, ge=0)
    latency_jitter_ms: float = Field(default=0, ge=0)
    apply_delay_ms: float = Field(default=0, ge=0)
    """Time from the answer to the effect. 0 applies before answering."""
    reorder_ms: float = Field(default=0, ge=0)
    """A random part added to the delay of each request, so that later ones may overtake it."""
    seed: int = 0
    """Seed of every random choice: jitter, order, faults with a probability."""

    rate_headers: Literal["classic", "mau"] = "classic"
    """`classic`: reset as UTC epoch seconds, headers on every answer. `mau`: reset as seconds left, and a
    429 carries only `x-ratelimit-retry-after`. Braze documents both, by contract."""
    requests_per_window: int | None = 3_000
    window_seconds: float = Field(default=3.0, gt=0)
    requests_per_hour: int | None = None
    export_requests_per_minute: int | None = 250
    export_requests_per_second: int | None = 40
    """Instead of the limit a minute, when `fields_to_export` is given without campaigns and canvases."""
    identity_requests_per_minute: int | None = 20_000
    """Shared by delete, alias, identify and merge."""
    listing_requests_per_hour: int | None = 1_000
    other_requests_per_hour: int | None = 250_000

    blocklist: tuple[str, ...] = ()
    """Custom attributes that are accepted and then ignored, without an error."""
    blocked_users: tuple[str, ...] = ()
    """External ids that are refused with an error."""
    forced_types: dict[str, ForcedType] = Field(default_factory=dict)
    """Custom attributes whose type was set by hand: values are coerced or ignored."""
    string_chars: int = Field(default=255, gt=0)
    array_items: int = Field(default=25, gt=0)
    """Documented default 25, up to 500."""
    array_over_limit: Literal["drop_oldest", "ignore"] = "drop_oldest"
    """Braze's pages disagree: the first item makes room, or the update is ignored."""
    nested_bytes: int = Field(default=100_000, gt=0)
    """Size of a nested object or an array as JSON."""
    kept_events: int = Field(default=100, ge=0)
    """Events and purchases kept in full per profile and name; counts go on. Ours, to bound memory."""
    export_time_format: Literal["iso", "utc"] = "iso"
    """How an export shows times (A): `2026-11-22T00:00:00.000Z` or `2026-11-22 00:00:00.000 UTC`."""
    fields_to_export_required: bool = False
    """Documented for newer accounts."""
    segments: tuple[str, ...] = ()
    """Names of the segments `/segments/list` shows."""
    record_requests: int = Field(default=0, ge=0)
    """Keep the last N requests (method, path, headers without the key, body) for tests to look at."""
    record_applied: int = Field(default=0, ge=0)
    """Keep the last N `/users/track` requests that took effect, in that order: number, body,
    whether the sender was told so, and the attributes objects that were taken."""

    def changed(self, changes: Mapping[str, Any]) -> "Settings":
        """These settings with some of them replaced.

        Raises:
            ConfigurationError: A name is unknown or a value does not fit.
        """
        try:
            return Settings.model_validate({**self.model_dump(), **changes})
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise ConfigurationError(
                f"The settings of the local Braze are wrong: {problems}.",
                remedy=f"Known settings: {', '.join(Settings.model_fields)}.",
            ) from None
