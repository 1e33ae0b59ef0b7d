"""K01, X15: neither keys nor people survive in what a provider said."""

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
