"""How customers are reached: names, e-mail addresses, telephone numbers, loyalty numbers, as of a day."""

from datetime import date

from braze_assets.customer_360.draws import Draws, text_list, zero_filled
from braze_assets.customer_360.people import people_sql
from braze_assets.customer_360.settings import SampleSettings
from braze_assets.customer_360.vocabulary import COUNTRIES, FEMALE, MALE, SURNAMES, Name

__all__ = ["contacts_sql", "dirty"]

_INVALID_PHONES = ("555-0100", "n/a", "(212) 555-0100 ext. 7", "+1 555", "0000000000", "call after 6 pm")
_LOYALTY_SHARE = 0.55


def dirty(draws: Draws, label: str, share: float, planted: int) -> str:
    """True for a share of the customers, and for one who has this dirt in every sample."""
    return f"(i = {planted} OR {draws.chance(label, share)})"


def contacts_sql(settings: SampleSettings, day: date) -> str:
    """The columns of `people_sql`, and how these people are reached.

    Adds `female`, `given_name`, `surname`, `email`, `phone`, `loyalty_id`, and `<what>_changed_on` (a day
    number, null when it never changed) for `surname`, `email`, `phone` and `loyalty`.
    """
    draws = Draws(settings.seed)
    today = settings.day_number(day)
    email = draws.version("email", 300, today)
    phone = draws.version("phone", 200, today)
    surname = draws.version("surname", 900, today)
    member_on = f"created_on + {draws.whole('loyalty delay', 400)}"
    return f"""
    SELECT
        *,
        {_spelling(FEMALE, MALE)} AS given_name,
        {text_list([name.text for name in SURNAMES])}[1 + surname_index] AS surname,
        {_email(draws)} AS email,
        {_phone(draws)} AS phone,
        CASE WHEN loyalty_changed_on IS NOT NULL THEN 'LP' || {zero_filled("i", 9)} END AS loyalty_id
    FROM (
        SELECT
            *,
            {draws.chance("female", 0.52)} AS female,
            {draws.whole("given name", len(FEMALE) * len(MALE))} AS given_index,
            {draws.whole("surname", len(SURNAMES), f"(i * 64 + {surname.number})")} AS surname_index,
            CASE WHEN {surname.number} > 0 THEN {surname.changed_on} END AS surname_changed_on,
            NOT {draws.chance("no email", 0.08)} AS has_email,
            {email.number} AS email_number,
            CASE WHEN has_email AND email_number > 0 THEN {email.changed_on} END AS email_changed_on,
            NOT {draws.chance("no phone", 0.25)} OR i = 13 AS has_phone,
            {phone.number} AS phone_number,
            CASE WHEN has_phone AND phone_number > 0 THEN {phone.changed_on} END AS phone_changed_on,
            CASE WHEN {draws.chance("member", _LOYALTY_SHARE)} AND {member_on} <= {today} THEN {member_on} END
                AS loyalty_changed_on
        FROM ({people_sql(settings, day)})
    )
    """


def _spelling(female: tuple[Name, ...], male: tuple[Name, ...], in_email: bool = False) -> str:
    def names(of: tuple[Name, ...]) -> str:
        return f"{text_list([n.ascii if in_email else n.text for n in of])}[1 + given_index % {len(of)}]"

    return f"CASE WHEN female THEN {names(female)} ELSE {names(male)} END"


def _email(draws: Draws) -> str:
    surname = f"{text_list([name.ascii for name in SURNAMES])}[1 + surname_index]"
    kind = draws.whole("email kind", 1000)
    return f"""CASE
            WHEN NOT has_email THEN NULL
            WHEN {kind} = 0 THEN 'qa+' || i || '.' || email_number || '@example.org'
            ELSE {_spelling(FEMALE, MALE, in_email=True)} || '.' || {surname} || '.' || i
                || CASE WHEN email_number > 0 THEN '.' || email_number ELSE '' END
                || CASE WHEN {kind} < 4 THEN '@staff.example.com' WHEN {kind} < 600 THEN '@example.com'
                    ELSE '@example.org' END
        END"""


def _phone(draws: Draws) -> str:
    key = "(i * 64 + phone_number)"
    invalid = dirty(draws, "invalid phone", 0.02, 13)
    numbers = []
    for index, country in enumerate(COUNTRIES):
        number = draws.pick(f"phone of {country.code}", country.phones, key)
        if country.digits:
            drawn = draws.whole("phone digits", 10**country.digits, key)
            number += f" || lpad({drawn}::VARCHAR, {country.digits}, '0')"
        numbers.append(f"WHEN {index} THEN {number}")
    return f"""CASE
            WHEN NOT has_phone THEN NULL
            WHEN {invalid} THEN {draws.pick("invalid phone text", _INVALID_PHONES)}
            ELSE CASE country {" ".join(numbers)} END
        END"""
