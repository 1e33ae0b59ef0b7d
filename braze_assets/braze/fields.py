"""The standard profile fields of Braze: what is not a custom attribute, and what only looks like one.

Sources: Braze documentation "User attributes object" and "Data points", September 2026. Names are lower
case and case-sensitive; every other key of an attributes object is a custom attribute.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

__all__ = [
    "CONSENT_FIELDS",
    "CONTROL_KEYS",
    "PERSONAL_FIELDS",
    "PROFILE_FIELDS",
    "RESERVED_KEYS",
    "ProfileField",
    "billed",
    "personal",
    "shadowed_field",
]

Check = Literal["country", "dob", "email", "gender", "language", "phone", "subscription", "time_zone"]
"""How the text of a field is validated before it is sent."""


@dataclass(frozen=True, kw_only=True)
class ProfileField:
    """One standard field of a Braze profile."""

    name: str
    type: Literal["Boolean", "Date", "Datetime", "String", "Object"]
    """The canonical type of a column that fills it. An `Object` cannot come from one flat column."""
    check: Check | None = None
    """The validation beyond the type, where there is one."""
    billed: bool = True
    """Whether setting it costs a data point under the contracts that count them."""
    consent: bool = False
    """Whether it says what a person agreed to. Braze is where people change that, so it is not overwritten
    unless a sync allows it."""
    description: str = ""


_FIELDS = (
    ProfileField(name="country", type="String", check="country", description="ISO 3166-1 alpha-2 code"),
    ProfileField(name="current_location", type="Object", description="Longitude and latitude"),
    ProfileField(name="date_of_first_session", type="Datetime", description="First use of an app"),
    ProfileField(name="date_of_last_session", type="Datetime", description="Last use of an app"),
    ProfileField(name="dob", type="Date", check="dob", description="Date of birth, YYYY-MM-DD"),
    ProfileField(name="email", type="String", check="email", description="E-mail address"),
    ProfileField(
        name="email_click_tracking_disabled",
        type="Boolean",
        description="Whether clicks in e-mails are left untracked",
    ),
    ProfileField(
        name="email_open_tracking_disabled",
        type="Boolean",
        description="Whether opens of e-mails are left untracked",
    ),
    ProfileField(
        name="email_subscribe",
        type="String",
        check="subscription",
        billed=False,
        consent=True,
        description="opted_in, subscribed or unsubscribed",
    ),
    ProfileField(name="facebook", type="Object", description="Facebook account"),
    ProfileField(name="first_name", type="String", description="Given name"),
    ProfileField(name="gender", type="String", check="gender", description="M, F, O, N or P"),
    ProfileField(name="home_city", type="String", description="City"),
    ProfileField(name="language", type="String", check="language", description="ISO 639-1 code"),
    ProfileField(name="last_name", type="String", description="Family name"),
    ProfileField(
        name="marked_email_as_spam_at", type="Datetime", description="When an e-mail was reported as spam"
    ),
    ProfileField(name="phone", type="String", check="phone", description="Telephone number, E.164"),
    ProfileField(
        name="push_subscribe",
        type="String",
        check="subscription",
        billed=False,
        consent=True,
        description="opted_in, subscribed or unsubscribed",
    ),
    ProfileField(name="push_tokens", type="Object", billed=False, description="Push tokens of devices"),
    ProfileField(
        name="subscription_groups",
        type="Object",
        billed=False,
        consent=True,
        description="State in each subscription group",
    ),
    ProfileField(name="time_zone", type="String", check="time_zone", description="IANA time zone name"),
    ProfileField(name="twitter", type="Object", description="Twitter account"),
)

PROFILE_FIELDS: Mapping[str, ProfileField] = MappingProxyType({field.name: field for field in _FIELDS})
"""The standard fields by name; identifiers are not among them."""

CONSENT_FIELDS: frozenset[str] = frozenset(field.name for field in _FIELDS if field.consent)
"""`email_subscribe`, `push_subscribe`, `subscription_groups`."""

PERSONAL_FIELDS: frozenset[str] = frozenset(
    {
        *("current_location", "dob", "email", "facebook", "first_name", "gender", "home_city"),
        *("last_name", "phone", "push_tokens", "twitter"),
    }
)
"""Fields that say who somebody is or how to reach them; `country`, `language` and consent do not."""

CONTROL_KEYS: frozenset[str] = frozenset({"_update_existing_only", "_merge_objects", "push_token_import"})
"""Keys that steer a request instead of setting something."""

RESERVED_KEYS: frozenset[str] = CONTROL_KEYS | {
    "external_id",
    "braze_id",
    "user_alias",
    "alias_name",
    "alias_label",
    "email_subscription_info",
}
"""Keys that cannot be an attribute of a table: control keys, identifiers, and what Braze refuses."""


def billed(name: str) -> bool:
    """Whether setting the attribute costs a data point; deleting one never does.

    Only contracts from before spring 2025 count data points. Custom attributes all cost one; fields the
    documentation does not mention are counted, so that an estimate is never too low.
    """
    field = PROFILE_FIELDS.get(name)
    return name not in RESERVED_KEYS if field is None else field.billed


_SYNONYMS = {
    "country": "countrycode countryiso countryiso2 countryofresidence homecountry isocountry",
    "date_of_first_session": "firstsession firstsessiondate",
    "date_of_last_session": "lastsession lastsessiondate",
    "dob": "bday birthday birthdate birthdt birthdatetime dateofbirth dayofbirth",
    "email": "mail emailaddress emailaddr mailaddress primaryemail useremail customeremail",
    "email_subscribe": "emailsubscribed emailsubscription emailsubscriptionstate emailsubscriptionstatus",
    "first_name": "fname firstnm forename givenname namefirst",
    "gender": "sex",
    "home_city": "city cityname hometown town",
    "language": "lang languagecode langcode isolanguage preferredlanguage",
    "last_name": "familyname lastnm lname namelast secondname surname",
    "marked_email_as_spam_at": "markedasspamat markedemailasspam",
    "phone": (
        "cell cellphone cellphonenumber mobile mobilenumber mobilephone phonenumber phoneno "
        "primaryphone telephone telephonenumber"
    ),
    "push_subscribe": "pushsubscribed pushsubscription pushsubscriptionstate pushsubscriptionstatus",
    "subscription_groups": "subscriptiongroup",
    "time_zone": "timezonename tz tzname",
    "current_location": "geolocation location currentlocation latlong latlng",
    "external_id": "externaluserid brazeexternalid",
}


def _squash(name: str) -> str:
    """Letters and digits only, without case: `Birth_Date`, `birthDate` and `BIRTH DATE` are one."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name).casefold())


def _table() -> Mapping[str, str]:
    fields = [*PROFILE_FIELDS, *(key for key in RESERVED_KEYS if key != "email_subscription_info")]
    table = {_squash(field): field for field in fields}
    for field, synonyms in _SYNONYMS.items():
        table.update({_squash(synonym): field for synonym in synonyms.split()})
    return MappingProxyType(table)


_SHADOWS = _table()


def shadowed_field(name: str) -> str | None:
    """The profile field or reserved key a custom attribute of this name would duplicate, or None.

    Braze keeps both without a word: `birthday` becomes a custom attribute beside an empty `dob`, and segments
    on age stay empty. A name that is exactly a field or a reserved key is that field, so it shadows nothing.
    Synonyms are of whole names only: `city_tier` or `last_email_open` duplicate nothing.
    """
    if name in PROFILE_FIELDS or name in RESERVED_KEYS:
        return None
    return _SHADOWS.get(_squash(name))


_PERSONAL_WORDS = (
    *("address", "addr", "address1", "address2", "addressline1", "addressline2", "fulladdress"),
    *("homeaddress", "postaladdress", "shippingaddress", "billingaddress", "street", "streetaddress"),
    *("housenumber", "postal", "postalcode", "postcode", "zip", "zipcode"),
    *("name", "fullname", "middlename", "maidenname", "username", "nickname"),
    *("ip", "ipaddress", "passport", "passportnumber", "ssn", "socialsecuritynumber", "taxid"),
    *("nationalid", "iban", "creditcard", "creditcardnumber", "driverslicense"),
)


def personal(name: str) -> bool:
    """Whether an attribute of this name says who somebody is, or how to reach them.

    A profile field, what looks like one (`surname`, `Birthdate`), or a common name of such a thing
    (`address`, `zip_code`). Of other custom attributes nobody can tell by their name.
    """
    return (
        name in PERSONAL_FIELDS or shadowed_field(name) in PERSONAL_FIELDS or _squash(name) in _PERSONAL_WORDS
    )
