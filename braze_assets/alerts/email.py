"""E-mail, by SMTP."""

import smtplib
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Literal

from braze_assets.alerts.channels import Channel, Message, secret, within
from braze_assets.alerts.wording import subject
from braze_assets.errors import AlertError

__all__ = ["Email", "Security"]

Security = Literal["starttls", "tls", "none"]


@dataclass(frozen=True, kw_only=True)
class Email(Channel):
    """Some people's mailboxes.

    Args:
        host: The SMTP server.
        port: Its port.
        sender: Who it is from.
        to: Who it goes to.
        security: `starttls`, `tls` from the start, or `none`.
        user_variable: The environment variable with the user's name; empty where nobody logs in.
        password_variable: The one with the password.
        seconds: How long the server may keep silent.
    """

    host: str
    port: int = 587
    sender: str
    to: Sequence[str]
    security: Security = "starttls"
    user_variable: str = ""
    password_variable: str = ""
    seconds: float = 5

    def tell(self, message: Message) -> None:
        """Send one e-mail; its Message-ID is the same when it comes again."""
        login = None
        if self.user_variable:
            login = secret(self.user_variable), secret(self.password_variable)
        mail = EmailMessage()
        mail["Subject"] = f"[{message.alerts}] {subject(message.changes)}"
        mail["From"], mail["To"] = self.sender, ", ".join(self.to)
        mail["Date"] = message.now
        mail["Message-ID"] = f"<{message.key}@braze-assets.invalid>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content("\n\n".join(message.lines) + "\n")
        within(3 * self.seconds, lambda: self._send(mail, login))

    def _send(self, mail: EmailMessage, login: tuple[str, str] | None) -> None:
        place = f"{self.host}:{self.port}"
        try:
            with self._connected() as server:
                if self.security == "starttls":
                    server.starttls(context=ssl.create_default_context())
                if login:
                    server.login(*login)
                refused = server.send_message(mail)
        # Their texts repeat what the server said, which may be anything.
        except (smtplib.SMTPException, OSError, ValueError) as error:
            code = getattr(error, "smtp_code", None)
            said = type(error).__name__ + (f", {code}" if code else "")
            raise AlertError(
                f"The e-mail was not taken ({said}).",
                place=place,
                remedy="Check host, port, security, user and password; it is tried again.",
            ) from None
        if refused:
            # The others have it: to send it again would be twice for them.
            raise AlertError(
                f"The server refused {len(refused)} of {len(self.to)} addresses.",
                place=place,
                remedy="Correct `to`; the others have the e-mail, and it is not sent again.",
                handed_over=True,
            )

    def _connected(self) -> smtplib.SMTP:
        name = socket.gethostname()
        if self.security == "tls":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self.host, self.port, name, timeout=self.seconds, context=context)
        return smtplib.SMTP(self.host, self.port, name, timeout=self.seconds)
