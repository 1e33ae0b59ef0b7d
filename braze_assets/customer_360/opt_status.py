"""Email_Opt_Status and SMS_Opt_Status: who may be written to, and how often."""

from datetime import date

from braze_assets.customer_360.contacts import contacts_sql
from braze_assets.customer_360.draws import Draws, text_list
from braze_assets.customer_360.sample_table import SampleTable
from braze_assets.customer_360.settings import SampleSettings
from braze_assets.customer_360.vocabulary import COUNTRIES

__all__ = ["EMAIL_OPT_STATUS", "SMS_OPT_STATUS"]

_FREQUENCIES = ("weekly", "weekly", "weekly", "daily", "monthly")


def _status(settings: SampleSettings, day: date, *, channel: str, contact: str, share: float) -> str:
    draws = Draws(settings.seed)
    consent = draws.version(f"{channel} consent", 250, settings.day_number(day))
    key = f"(i * 4096 + {consent.number})"
    return f"""
    SELECT
        amperity_id,
        {contact},
        'Lumen' AS brand,
        {text_list([country.code for country in COUNTRIES])}[1 + country] AS region,
        'news' AS {channel}_program,
        {draws.pick(f"{channel} frequency", _FREQUENCIES)} AS {channel}_frequency,
        {draws.chance(f"{channel} opted in", share, key)} AS is_{channel}_opted_in,
        {text_list([country.language for country in COUNTRIES])}[1 + country] AS language_preference
    FROM ({contacts_sql(settings, day)})
    WHERE {contact} IS NOT NULL
    """


def _email(settings: SampleSettings, day: date) -> str:
    return _status(settings, day, channel="email", contact="email", share=0.72)


def _sms(settings: SampleSettings, day: date) -> str:
    return _status(settings, day, channel="sms", contact="phone", share=0.38)


EMAIL_OPT_STATUS = SampleTable(
    name="email_opt_status",
    description="Consent to e-mail: one row a customer with an e-mail address.",
    columns=(
        ("amperity_id", "VARCHAR", "The person."),
        ("email", "VARCHAR", "The e-mail address the consent is for."),
        ("brand", "VARCHAR", "The brand the consent is for."),
        ("region", "VARCHAR", "The region the consent is for."),
        ("email_program", "VARCHAR", "The program the consent is for."),
        ("email_frequency", "VARCHAR", "How often: daily, weekly or monthly."),
        ("is_email_opted_in", "BOOLEAN", "Whether the person agreed to e-mail."),
        ("language_preference", "VARCHAR", "ISO 639-1 code of the language asked for."),
    ),
    key=("amperity_id",),
    query=_email,
)

SMS_OPT_STATUS = SampleTable(
    name="sms_opt_status",
    description="Consent to text messages: one row a customer with a telephone number.",
    columns=(
        ("amperity_id", "VARCHAR", "The person."),
        ("phone", "VARCHAR", "The telephone number the consent is for."),
        ("brand", "VARCHAR", "The brand the consent is for."),
        ("region", "VARCHAR", "The region the consent is for."),
        ("sms_program", "VARCHAR", "The program the consent is for."),
        ("sms_frequency", "VARCHAR", "How often: daily, weekly or monthly."),
        ("is_sms_opted_in", "BOOLEAN", "Whether the person agreed to text messages."),
        ("language_preference", "VARCHAR", "ISO 639-1 code of the language asked for."),
    ),
    key=("amperity_id",),
    query=_sms,
)
