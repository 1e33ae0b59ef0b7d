"""Merged_Customers: one row a customer, the best known profile."""

from datetime import date

from braze_assets.customer_360.contacts import contacts_sql, dirty
from braze_assets.customer_360.draws import Draws, text_list
from braze_assets.customer_360.sample_table import SampleTable
from braze_assets.customer_360.settings import SampleSettings
from braze_assets.customer_360.vocabulary import COUNTRIES, STREETS

__all__ = ["MERGED_CUSTOMERS"]

_COMPANIES = (
    "Alder & Sons", "Bluebird Café", "Canal Works", "Dockside Dental", "Elm Accounting", "Foundry Nine",
    "Grünwald GmbH", "Harbour Law", "Ivory Studio", "Juniper Books", "Kestrel Labs", "Lantern Hotel",
)  # fmt: skip
_LONG_COMPANY = ("The Worshipful Company of Makers, Menders and Movers of Things " * 5)[:300]


def _query(settings: SampleSettings, day: date) -> str:
    draws = Draws(settings.seed)
    start = f"DATE '{settings.start}'"
    return f"""
    SELECT
        amperity_id,
        CASE WHEN {dirty(draws, "no external id", 0.0005, 7)} THEN NULL
            WHEN i = 8 THEN 'C0000006' ELSE customer_id END AS external_id,
        given_name,
        surname,
        given_name || ' ' || surname AS full_name,
        {draws.pick("suffix", ("Jr", "III", *[None] * 98))} AS generational_suffix,
        {draws.pick("title", ("Dr", "Ms", "Mr", *[None] * 7))} AS title,
        email,
        phone,
        house_number || ' ' || street AS address,
        CASE WHEN {draws.chance("flat", 0.1, "home")} THEN 'Flat ' || (1 + home % 40) END AS address2,
        city,
        {text_list([state for country in COUNTRIES for _, state in country.cities])}[city_index] AS state,
        {_postal()} AS postal,
        CASE WHEN {dirty(draws, "country name", 0.01, 3)}
            THEN {text_list([country.name for country in COUNTRIES])}[1 + country]
            ELSE {text_list([country.code for country in COUNTRIES])}[1 + country] END AS country,
        CASE WHEN birthdate_known THEN
            (DATE '1940-01-01' + {draws.whole("birthdate", 24_500)}::INTEGER
                + CASE WHEN {dirty(draws, "future birthdate", 0.001, 1)} THEN INTERVAL 100 YEAR
                    ELSE INTERVAL 0 YEAR END)::DATE END AS birthdate,
        {_gender(draws)} AS gender,
        CASE WHEN {dirty(draws, "long company", 0.0005, 5)} THEN '{_LONG_COMPANY}'
            WHEN has_company THEN {draws.pick("company name", _COMPANIES, "(i * 4096 + company_number)")} END
            AS company,
        loyalty_id,
        make_timestamptz(created_at) AS create_dt,
        make_timestamptz(greatest(
            created_at,
            epoch_us({start}) + {draws.whole("update second", 86_400)} * 1000000 + 86400000000 * greatest(
                surname_changed_on, email_changed_on, phone_changed_on, loyalty_changed_on, home_changed_on,
                company_changed_on, birthdate_changed_on)
        )) AS update_dt,
        2::INTEGER AS name_completion,
        (email IS NOT NULL)::INTEGER AS email_completion,
        (phone IS NOT NULL)::INTEGER AS phone_completion,
        (3 + (state IS NOT NULL)::INTEGER) AS address_completion
    FROM (
        SELECT
            *,
            {text_list([city for country in COUNTRIES for city, _ in country.cities])}[city_index] AS city,
            {draws.pick("street", STREETS, "home")} AS street,
            1 + {draws.whole("house", 180, "home")} AS house_number,
            epoch_us({start}) + 86400000000 * created_on
                + 1000000 * {draws.whole("created second", 28_800)} AS created_at
        FROM ({_with_home(settings, day)})
    )
    """


def _with_home(settings: SampleSettings, day: date) -> str:
    draws = Draws(settings.seed)
    today = settings.day_number(day)
    home = draws.version("home", 90, today)
    company = draws.version("company", 365, today)
    birthdate = draws.version("birthdate", 600, today)
    return f"""
    SELECT
        *,
        i * 4096 + {home.number} AS home,
        1 + country * 8 + {draws.whole("city", 8, f"(i * 4096 + {home.number})")} AS city_index,
        CASE WHEN {home.number} > 0 THEN {home.changed_on} END AS home_changed_on,
        {draws.chance("company", 0.12)} AS has_company,
        {company.number} AS company_number,
        CASE WHEN has_company AND company_number > 0 THEN {company.changed_on} END AS company_changed_on,
        {draws.chance("birthdate known", 0.8)} OR i = 1 AS birthdate_known_at_once,
        {birthdate.number} AS birthdate_number,
        birthdate_known_at_once OR birthdate_number > 0 AS birthdate_known,
        CASE WHEN NOT birthdate_known_at_once AND birthdate_number = 1 THEN {birthdate.changed_on} END
            AS birthdate_changed_on
    FROM ({contacts_sql(settings, day)})
    """


def _postal() -> str:
    letter = "chr((65 + home % 23)::INTEGER)"
    return f"""CASE country
            WHEN 1 THEN {letter} || chr((65 + home % 19)::INTEGER) || (1 + home % 20)
                || ' ' || (home % 9) || 'AB'
            WHEN 2 THEN {letter} || (home % 10) || 'B ' || (home % 7) || 'C' || (home % 9)
            WHEN 5 THEN NULL
            WHEN 6 THEN lpad((home % 9000 + 800)::VARCHAR, 4, '0')
            ELSE lpad((home % 90000 + 1000)::VARCHAR, 5, '0') END"""


def _gender(draws: Draws) -> str:
    drawn = draws.whole("gender", 100)
    return f"""CASE WHEN female AND {dirty(draws, "gender spelled out", 0.02, 9)} THEN 'Female'
            WHEN {drawn} < 6 THEN NULL WHEN {drawn} < 8 THEN 'N' WHEN {drawn} < 10 THEN 'O'
            WHEN {drawn} < 11 THEN 'P' WHEN female THEN 'F' ELSE 'M' END"""


MERGED_CUSTOMERS = SampleTable(
    name="merged_customers",
    description="One row a customer: the best known name, contact, address and birthdate.",
    columns=(
        ("amperity_id", "VARCHAR", "The person, as the identity resolution knows them (a UUID)."),
        ("external_id", "VARCHAR", "The customer number of the shop; text, zeros in front count."),
        ("given_name", "VARCHAR", "First name, in any script."),
        ("surname", "VARCHAR", "Last name."),
        ("full_name", "VARCHAR", "First and last name."),
        ("generational_suffix", "VARCHAR", "Jr, III."),
        ("title", "VARCHAR", "Form of address."),
        ("email", "VARCHAR", "Best e-mail address."),
        ("phone", "VARCHAR", "Best telephone number, E.164 unless it is invalid."),
        ("address", "VARCHAR", "House number and street."),
        ("address2", "VARCHAR", "Second line of the address."),
        ("city", "VARCHAR", "City."),
        ("state", "VARCHAR", "State or province, where the country has them."),
        ("postal", "VARCHAR", "Postal code; text."),
        ("country", "VARCHAR", "ISO 3166-1 alpha-2 code, in about 1 % of the rows the name instead."),
        ("birthdate", "DATE", "Birthdate; a few are in the future."),
        ("gender", "VARCHAR", "F, M, O, N or P, in about 1 % of the rows spelled out."),
        ("company", "VARCHAR", "Employer or firm; a few are longer than Braze takes."),
        ("loyalty_id", "VARCHAR", "Number in the loyalty program, for members."),
        ("create_dt", "TIMESTAMP WITH TIME ZONE", "When the customer was first seen."),
        ("update_dt", "TIMESTAMP WITH TIME ZONE", "When the profile last changed."),
        ("name_completion", "INTEGER", "How many parts of the name are known."),
        ("email_completion", "INTEGER", "1 where an e-mail address is known."),
        ("phone_completion", "INTEGER", "1 where a telephone number is known."),
        ("address_completion", "INTEGER", "How many parts of the address are known."),
    ),
    key=("amperity_id",),
    query=_query,
)
