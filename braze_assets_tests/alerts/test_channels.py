"""Webhook, Slack and e-mail, over real sockets on loopback (X14)."""

import hashlib
import hmac
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from email import message_from_string
from email.policy import default
from pathlib import Path

import pytest

from braze_assets.alerts import Change, Channel, Email, Message, Slack, Webhook
from braze_assets.alerts.webhook import SIGNATURE
from braze_assets.errors import AlertError
from braze_assets_tests.alerts.servers import Inbox, Mailbox, http_inbox, smtp_mailbox

NOW = datetime(2026, 7, 2, 3, 4, tzinfo=timezone.utc)
BASE = "https://dagster.example.com/"
SECRETS = ("s3cr3t", "hunter22", "signing-key")
BROKEN = Change(
    id="c1",
    flow="vip",
    status="rejections",
    previous="ok",
    since=NOW,
    previous_since=NOW,
    run="run-1",
    partition="<!channel> & co\u202e\r\nBcc: all@example.com",
    counts={"objects": 1_000, "rejected": 250},
)
MESSAGE = Message(alerts="alerts", changes=(BROKEN,), now=NOW, base_url=BASE)


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    with http_inbox() as made:
        monkeypatch.setenv("HOOK", made.url)
        monkeypatch.setenv("HOOK_KEY", "signing-key")
        yield made


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of localhost, signed by itself, with its key in one file."""
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    extension = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", str(path), "-out", f"{path}.crt"]
    subprocess.run([*command.split(), *extension, *files], check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


def refused(channel: Channel) -> str:
    """What is said when a message is not taken; never a secret."""
    with pytest.raises(AlertError) as caught:
        channel.tell(MESSAGE)
    said = f"{caught.value!s}{caught.value!r}{channel!r}{caught.value.__cause__}"
    assert not any(each in said for each in SECRETS)
    return said


def test_a_webhook_is_given_json_that_is_signed(inbox: Inbox) -> None:
    Webhook(url_variable="HOOK", secret_variable="HOOK_KEY").tell(MESSAGE)
    [(path, headers, body)] = inbox.requests
    assert path.endswith("s3cr3t-path")
    assert headers[SIGNATURE] == "sha256=" + hmac.new(b"signing-key", body, hashlib.sha256).hexdigest()
    assert headers["Idempotency-Key"] == "c1"
    [change] = json.loads(body)["changes"]
    assert (change["flow"], change["status"], change["previous"]) == ("vip", "rejections", "ok")
    assert change["counts"] == {"objects": 1_000, "rejected": 250}
    assert change["run_url"] == "https://dagster.example.com/runs/run-1"
    assert "250 of 1,000 objects rejected (25.0%)" in change["text"]


def test_slack_is_given_text_that_mentions_nobody(inbox: Inbox) -> None:
    Slack(url_variable="HOOK").tell(MESSAGE)
    [(_, _, body)] = inbox.requests
    text = json.loads(body)["text"]
    assert text.startswith("vip: too many objects rejected. Partition &lt;!channel&gt; &amp; co")
    assert "<https://dagster.example.com/runs/run-1|run>" in text
    assert text.isprintable()


@pytest.mark.parametrize("kind", [Webhook, Slack])
def test_what_is_not_taken_is_said_without_the_url(inbox: Inbox, kind: type[Webhook | Slack]) -> None:
    inbox.status = 404
    assert "HTTP 404" in refused(kind(url_variable="HOOK"))


def test_a_redirect_is_not_followed(inbox: Inbox) -> None:
    inbox.status, inbox.location = 307, inbox.url
    assert "HTTP 307" in refused(Webhook(url_variable="HOOK"))
    assert len(inbox.requests) == 1


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    with http_inbox() as gone:
        pass
    monkeypatch.setenv("HOOK", gone.url)
    assert "ConnectionError" in refused(Slack(url_variable="HOOK"))


@pytest.mark.parametrize("url", ["s3cr3t", "http://", "http://s3cr3t:hunter22:80/x", "https://[s3cr3t"])
def test_a_variable_that_holds_no_url(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("HOOK", url)
    assert "HOOK" in refused(Slack(url_variable="HOOK"))


def test_a_variable_that_is_not_set() -> None:
    assert "ALERTS_NOWHERE is not set" in refused(Slack(url_variable="ALERTS_NOWHERE"))


def test_a_server_that_never_ends_its_reply_is_left(inbox: Inbox) -> None:
    """Each byte comes in time for the socket; all of them together do not."""
    inbox.gate = threading.Event()
    started = time.monotonic()
    assert "no answer within 0.6 s" in refused(Webhook(url_variable="HOOK", seconds=0.3))
    assert time.monotonic() - started < 10


def email(box: Mailbox, **more: object) -> Email:
    settings = {"security": "none", "to": ("crm@example.com", "ops@example.com"), **more}
    return Email(host="localhost", port=box.port, sender="braze@example.com", **settings)  # type: ignore[arg-type]


def test_an_email_is_one_for_everybody() -> None:
    with smtp_mailbox() as box:
        email(box).tell(MESSAGE)
    assert box.recipients == [["crm@example.com", "ops@example.com"]]
    mail = message_from_string(box.mails[0], policy=default)
    assert mail["Subject"] == "[alerts] vip: too many objects rejected"
    assert mail["Message-ID"] == "<c1@braze-assets.invalid>"
    assert mail["Bcc"] is None
    text = mail.get_content().replace("\n", " ")
    assert "250 of 1,000" in text
    assert "/runs/run-1" in text


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_password_goes_over_tls(certificate: Path, security: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_USER", "braze")
    monkeypatch.setenv("SMTP_PASSWORD", "hunter22")
    login = {"user_variable": "SMTP_USER", "password_variable": "SMTP_PASSWORD", "security": security}
    with smtp_mailbox(certificate, tls=security == "tls") as box:
        assert "SSLCertVerificationError" in refused(email(box, **login))
        assert box.logins == []
        monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
        box.password = "another"
        assert "SMTPAuthenticationError, 535" in refused(email(box, **login))
        box.password = "hunter22"
        email(box, **login).tell(MESSAGE)
    assert box.logins[-1] == ("braze:hunter22", True)
    assert len(box.mails) == 1


def test_a_server_without_starttls_is_told_nothing() -> None:
    with smtp_mailbox() as box:
        assert "SMTPNotSupportedError" in refused(email(box, security="starttls"))
    assert box.mails == []


def test_an_address_that_is_refused() -> None:
    """The other one has it, so it counts as handed over; where nobody has it, it does not."""
    with smtp_mailbox() as box:
        box.refused = {"crm@example.com"}
        with pytest.raises(AlertError) as caught:
            email(box).tell(MESSAGE)
        assert caught.value.handed_over
        assert "1 of 2 addresses" in str(caught.value)
        box.refused |= {"ops@example.com"}
        with pytest.raises(AlertError) as caught:
            email(box).tell(MESSAGE)
        assert not caught.value.handed_over
    assert len(box.mails) == 1
