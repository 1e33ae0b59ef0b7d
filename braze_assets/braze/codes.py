"""The codes Braze takes: countries, languages, currencies, time zones and fixed words.

Source: Braze documentation "User attributes object", September 2026. The lists of ISO codes are pycountry's,
those of time zones Python's (with the tzdata package where the system has none).
"""

from functools import cache

__all__ = [
    "GENDERS",
    "SUBSCRIPTION_STATES",
    "country_codes",
    "currency_codes",
    "language_codes",
    "time_zones",
]

GENDERS: frozenset[str] = frozenset("MFONP")
"""Male, female, other, not applicable, prefer not to say."""

SUBSCRIPTION_STATES: frozenset[str] = frozenset({"opted_in", "subscribed", "unsubscribed"})

_NOT_PLACES = {"Factory", "localtime", "posixrules"}


@cache
def country_codes() -> frozenset[str]:
    """ISO 3166-1 alpha-2 codes, upper case."""
    import pycountry

    return frozenset(country.alpha_2 for country in pycountry.countries)


@cache
def language_codes() -> frozenset[str]:
    """ISO 639-1 codes, lower case."""
    import pycountry

    return frozenset(language.alpha_2 for language in pycountry.languages if hasattr(language, "alpha_2"))


@cache
def time_zones() -> frozenset[str]:
    """IANA names such as `America/New_York`."""
    import zoneinfo

    return frozenset(zoneinfo.available_timezones() - _NOT_PLACES)


@cache
def currency_codes() -> frozenset[str]:
    """ISO 4217 codes, upper case."""
    import pycountry

    return frozenset(currency.alpha_3 for currency in pycountry.currencies)
