"""A channel of alerts, in YAML: what it is, and which environment variables hold its secrets."""

import ipaddress
import re
from collections.abc import Sequence
from typing import Literal

import dagster as dg
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from braze_assets.alerts import Channel, Email, Slack, Webhook

__all__ = ["ChannelModel"]

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ADDRESS = re.compile(r"[^@\s,<>]+@[^@\s,<>]+")
_NEEDED = {"webhook": ("url_variable",), "slack": ("url_variable",), "email": ("host", "sender", "to")}
_ALLOWED = {
    "webhook": {"url_variable", "secret_variable"},
    "slack": {"url_variable"},
    "email": {"host", "port", "sender", "to", "security", "user_variable", "password_variable"},
}


class ChannelModel(dg.Model, dg.Resolvable):
    """One channel. Settings that its kind does not have are refused."""

    # A URL or a password may stand in the file by mistake: pydantic would repeat it.
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    kind: Literal["webhook", "slack", "email"]
    url_variable: str = Field(default="", description="The environment variable that holds the URL.")
    secret_variable: str = Field(
        default="", description="The one with the secret that the body is signed with."
    )
    host: str = Field(default="", description="The SMTP server.")
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: str = Field(default="", description="Who the e-mail is from.")
    to: Sequence[str] = Field(default=(), description="Who it goes to.")
    user_variable: str = Field(default="", description="The one with the user that logs in.")
    password_variable: str = Field(default="", description="The one with the password.")

    @field_validator("url_variable", "secret_variable", "user_variable", "password_variable")
    @classmethod
    def _names_a_variable(cls, text: str) -> str:
        if text and "{{" not in text and not _VARIABLE.fullmatch(text):
            raise ValueError(
                "it is not the name of an environment variable (what it is set to is not shown: if it is the "
                "secret itself, take it out of the file and make a new one)"
            )
        return text

    @field_validator("sender", "to")
    @classmethod
    def _are_addresses(cls, value: str | Sequence[str]) -> str | Sequence[str]:
        for each in [value] if isinstance(value, str) else value:
            if each and "{{" not in each and not _ADDRESS.fullmatch(each):
                raise ValueError("give plain addresses, such as crm@example.com")
        return value

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "ChannelModel":
        missing = [name for name in _NEEDED[self.kind] if not getattr(self, name)]
        if missing:
            raise ValueError(f"a channel of kind {self.kind} needs {', '.join(missing)}")
        too_much = sorted(self.model_fields_set - _ALLOWED[self.kind] - {"kind"})
        if too_much:
            raise ValueError(f"a channel of kind {self.kind} has no {', '.join(too_much)}")
        if bool(self.user_variable) != bool(self.password_variable):
            raise ValueError("user_variable and password_variable go together")
        if self.user_variable and self.security == "none" and not _is_here(self.host):
            raise ValueError("a password is not sent without encryption: set security to starttls or tls")
        return self

    @classmethod
    def model(cls) -> type[BaseModel]:
        """The model that Dagster reads the YAML with."""
        made = super().model()
        if not made.model_config.get("hide_input_in_errors"):
            made.model_config["hide_input_in_errors"] = True
            made.model_rebuild(force=True)
        return made

    def channel(self) -> Channel:
        """The channel in Python."""
        if self.kind == "webhook":
            return Webhook(url_variable=self.url_variable, secret_variable=self.secret_variable)
        if self.kind == "slack":
            return Slack(url_variable=self.url_variable)
        return Email(
            host=self.host,
            port=self.port,
            security=self.security,
            sender=self.sender,
            to=tuple(self.to),
            user_variable=self.user_variable,
            password_variable=self.password_variable,
        )


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
