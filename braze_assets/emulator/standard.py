"""What Braze makes of the standard profile fields.

D marks what Braze documents ("User attributes object", September 2026), A an assumption. Values that make
Braze refuse the whole object are caught before, in `objects.py`; here an unfit value is ignored silently.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from braze_assets.emulator.times import parse_time
from braze_assets.emulator.values import IGNORED

__all__ = ["CONTROL_KEYS", "FREE_OF_CHARGE", "STANDARD_FIELDS", "stored_field"]

CONTROL_KEYS = frozenset(
    {"external_id", "braze_id", "user_alias", "_update_existing_only", "_merge_objects", "push_token_import"}
)
"""Keys of an attributes object that are not attributes."""

FREE_OF_CHARGE = frozenset({"email_subscribe", "push_subscribe", "subscription_groups", "push_tokens"})
"""Fields that cost no data point (D)."""

# Rails names of time zones, which Braze takes beside the IANA names (D); only the most common ones are here.
_RAILS_ZONES = frozenset(
    {
        "Eastern Time (US & Canada)",
        "Central Time (US & Canada)",
        "Mountain Time (US & Canada)",
        "Pacific Time (US & Canada)",
        "Atlantic Time (Canada)",
        "Indiana (East)",
        "Alaska",
        "Hawaii",
        "Arizona",
        "London",
        "Dublin",
        "Paris",
        "Berlin",
        "Madrid",
        "Rome",
        "Amsterdam",
        "Tokyo",
        "Sydney",
        "Melbourne",
        "Singapore",
        "Mumbai",
    }
)


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) | _RAILS_ZONES


@lru_cache(maxsize=2048)
def _country(text: str) -> str | None:
    import pycountry

    try:
        # D: a best-effort mapping, no match is stored as NULL. What it matches beyond names is an assumption.
        return str(pycountry.countries.lookup(text.strip()).alpha_2)
    except LookupError:
        return None


@lru_cache(maxsize=2048)
def _language(text: str) -> bool:
    import pycountry

    return len(text) == 2 and pycountry.languages.get(alpha_2=text.lower()) is not None


def _country_field(value: Any) -> Any:
    return _country(value) if value.__class__ is str and len(value) <= 255 else None


def _language_field(value: Any) -> Any:
    return value.lower() if value.__class__ is str and _language(value) else IGNORED  # A: else ignored


def _zone_field(value: Any) -> Any:
    return value if value.__class__ is str and value in _zones() else IGNORED  # D: only valid ones are set


def _text_field(value: Any) -> Any:
    return value if value.__class__ is str and len(value) <= 255 else IGNORED  # D: too long is not updated


def _time_field(value: Any) -> Any:
    return value if value.__class__ is str and parse_time(value) is not None else IGNORED  # A: else ignored


def _birth_field(value: Any) -> Any:
    sound = value.__class__ is str and len(value) == 10 and value[4] == "-" and parse_time(value) is not None
    return value if sound else IGNORED  # D: YYYY-MM-DD; A: else ignored


def _gender_field(value: Any) -> Any:
    return (
        value if value.__class__ is str and value in ("M", "F", "O", "N", "P") else IGNORED
    )  # A: else ignored


def _flag_field(value: Any) -> Any:
    return value if value.__class__ is bool else IGNORED  # A: else ignored


def _object_field(value: Any) -> Any:
    return value if value.__class__ is dict else IGNORED  # A: else ignored


def _as_is(value: Any) -> Any:
    return value


STANDARD_FIELDS: dict[str, Callable[[Any], Any]] = {
    "email": _as_is,
    "email_subscribe": _as_is,
    "push_subscribe": _as_is,
    "email_open_tracking_disabled": _flag_field,
    "email_click_tracking_disabled": _flag_field,
    "marked_email_as_spam_at": _time_field,
    "country": _country_field,
    "language": _language_field,
    "current_location": _as_is,
    "date_of_first_session": _time_field,
    "date_of_last_session": _time_field,
    "dob": _birth_field,
    "first_name": _text_field,
    "last_name": _text_field,
    "home_city": _text_field,
    "gender": _gender_field,
    "phone": _text_field,
    "time_zone": _zone_field,
    "subscription_groups": _as_is,
    "push_tokens": _as_is,
    "facebook": _object_field,
    "twitter": _object_field,
}
"""The reserved names and what is kept of a value; names are case-sensitive (D)."""


def stored_field(name: str, old: Any, new: Any) -> Any:
    """What a profile holds in a standard field after an update with a value that is not null.

    `IGNORED` leaves the field as it was, `None` empties it.
    """
    if name == "subscription_groups":
        return _merged(old, new, "subscription_group_id")  # A: groups that are not named keep their state
    if name == "push_tokens":
        return _merged(old, new, "token")
    return STANDARD_FIELDS[name](new)


def _merged(old: Any, new: Any, key: str) -> Any:
    entries = {entry[key]: entry for entry in (old or [])}
    entries.update({entry[key]: entry for entry in new})
    return list(entries.values())
