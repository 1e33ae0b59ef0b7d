"""K01, X15: neither keys nor people survive in what a provider said."""

import base64
import html
import json
import unicodedata
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from braze_assets.braze.redaction import REMOVED, impersonal, redact

KEY = "12345678-abcd-4ef0-9876-planted0key0"


@pytest.mark.parametrize(
    "said",
    [
        f"Invalid API key: {KEY}",
        f"invalid api key:{KEY.upper()}",
        f'{{"message":"Invalid API key: {KEY}"}}',
        f"Authorization: Bearer {KEY}",
        f"<p>api_key={KEY}</p>",
    ],
)
def test_a_key_goes_whether_it_is_known_or_not(said: str) -> None:
    for secrets in ((), (KEY,)):
        cleaned = redact(said, secrets)
        assert KEY.lower() not in cleaned.lower()
        assert REMOVED in cleaned


@settings(deadline=None, max_examples=100)
@given(before=st.text(max_size=20), key=st.text(min_size=4, max_size=40), after=st.text(max_size=20))
def test_a_known_key_goes_wherever_it_stands(before: str, key: str, after: str) -> None:
    secret = key.strip()
    if not secret or secret in REMOVED:
        return
    cleaned = redact(before + secret + after, (secret,))
    assert secret not in cleaned.replace(REMOVED, "\0")


def test_an_ordinary_reason_stays_as_it_is() -> None:
    reason = "'email_subscribe' must be 'subscribed', 'unsubscribed', or 'opted_in'"
    assert redact(reason, (KEY, "", "  ")) == reason
    assert impersonal(reason, "abc") == reason


def test_reasons_in_reports_name_nobody() -> None:
    reason = "user cust-00017 <jane.doe@example.com>, phone +49 30 1234567, has 5000000 sessions"
    assert impersonal(reason, "cust-00017") == (
        "user [identifier] <[email]>, phone [number], has [number] sessions"
    )


@pytest.mark.parametrize("key", [KEY, "a+b/c=d-0123456789", 'q"uo<te>&d'])
def test_a_key_goes_in_disguise_too(key: str) -> None:
    forms = [quote(key, safe=""), html.escape(key), json.dumps(key)[1:-1]]
    forms += [base64.b64encode(key.encode()).decode(), base64.urlsafe_b64encode(key.encode()).decode()]
    for form in forms:
        assert form.rstrip("=") not in redact(f"refused: {form} (sic)", (key,))


JANE = {
    "external_id": "mauersegler",
    "email": "Jane.Doe@example.com",
    "first_name": "Jané 'JD' O\u2019Neil",
    "phone": "+49 (0)30\u00a0123-4567",
    "tier": "gold",
    "member_2024": True,
    "address": {"street": "Hauptstra\u00dfe 5", "lines": ["c/o  Meier"]},
    "_update_existing_only": True,
}
REASONS = [
    json.dumps(JANE),
    json.dumps(JANE, ensure_ascii=False),
    json.dumps(json.dumps(JANE)),
    quote(json.dumps(JANE, ensure_ascii=False)),
    "user mauersegler not found",
    'user "mauersegler" not found',
    "MAUERSEGLER",
    "mailto:jane.doe@example.com?x",
    "jane.doe%40example.com is no e-mail",
    "Hauptstra\u00dfe 5 is no address; c/o Meier neither",
    unicodedata.normalize("NFD", "Jané 'JD' O\u2019Neil is too long"),
    html.escape("Jané 'JD' O\u2019Neil"),
    "phone +49 (0)30\u00a0123-4567 and 0049.30.1234567 and 49\u201330\u20131234567",
    "x" * 470 + " user mauerseg",
]
TRACES = [
    "mauersegler",
    "mauerseg",
    "jane",
    "jan\u00e9",
    "doe",
    "neil",
    "1234567",
    "123-4567",
    "hauptstr",
    "meier",
]


@pytest.mark.parametrize("reason", REASONS)
def test_whatever_a_reason_repeats_of_its_object_is_taken_out(reason: str) -> None:
    """X15: identifiers that are plain words, names, quotes, Unicode, URLs, numbers, a cut in the middle."""
    shown = impersonal(reason, "mauersegler", objects=[json.dumps(JANE)], limit=2_000)
    for text in (shown, unquote(shown), unicodedata.normalize("NFC", shown)):
        assert not [trace for trace in TRACES if trace in text.casefold()]


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("other user 5f0c2a9e-1111-4222-8333-944455556666 has it", "other user [code] has it"),
        ("other user cust_00099x has it", "other user [code] has it"),
        ('"john doe"@example.com has it', "[email] has it"),
        ("see https://example.com/u/jane?x=1 for it", "see [url] for it"),
        ("see https://www.braze.com/docs/errors/?user=jane", "see https://www.braze.com/docs/errors/"),
        (
            "HTTP 400: 'email_subscribe' must be 'subscribed'",
            "HTTP 400: 'email_subscribe' must be 'subscribed'",
        ),
        ("member_2024 is blocked", "member_2024 is blocked"),
    ],
)
def test_other_people_are_taken_out_and_the_sense_stays(reason: str, shown: str) -> None:
    assert impersonal(reason, "mauersegler", objects=[json.dumps(JANE)]) == shown
