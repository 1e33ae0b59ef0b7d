"""The users a local Braze knows, found by any identifier."""

import time
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["Profile", "Profiles"]

Alias = tuple[str, str]
"""Label and name."""

_KEYS = {"external_id", "braze_id", "user_aliases", "attributes", "events", "purchases", "revenue"}


class Profile:
    """One user. `attributes` holds standard and custom ones together, as Braze stores them."""

    __slots__ = (
        "aliases",
        "attributes",
        "braze_id",
        "created",
        "events",
        "external_id",
        "purchases",
        "revenue",
        "updated",
    )

    def __init__(self, braze_id: str, external_id: str | None = None) -> None:
        self.braze_id = braze_id
        self.external_id = external_id
        self.aliases: list[Alias] | None = None
        self.attributes: dict[str, Any] = {}
        self.events: dict[str, dict[str, Any]] | None = None
        self.purchases: dict[str, dict[str, Any]] | None = None
        self.revenue = 0.0
        self.created = 0.0
        self.updated = 0

    def alias_documents(self) -> list[dict[str, str]]:
        """The aliases as Braze writes them."""
        return [{"alias_name": name, "alias_label": label} for label, name in self.aliases or ()]

    def document(self) -> dict[str, Any]:
        """The profile as the control API and the state file write it; raw values, nothing empty."""
        document: dict[str, Any] = {"external_id": self.external_id, "braze_id": self.braze_id}
        if self.aliases:
            document["user_aliases"] = self.alias_documents()
        document["attributes"] = self.attributes
        if self.events:
            document["events"] = self.events
        if self.purchases:
            document["purchases"] = self.purchases
            document["revenue"] = self.revenue
        return document


class Profiles:
    """All profiles with their indexes: `external_id`, `braze_id`, alias, email, phone."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self.by_external_id: dict[str, Profile] = {}
        self.by_braze_id: dict[str, Profile] = {}
        self.by_alias: dict[Alias, Profile] = {}
        self._contacts: dict[str, dict[str, dict[str, Profile]]] = {"email": {}, "phone": {}}
        self._made = 0
        self._updates = 0

    def __len__(self) -> int:
        return len(self.by_braze_id)

    def __iter__(self) -> Iterator[Profile]:
        return iter(self.by_braze_id.values())

    def new(self, *, external_id: str | None = None, braze_id: str | None = None) -> Profile:
        """A new, empty profile. Braze assigns the `braze_id` itself; here it is a counter in hexadecimal."""
        while braze_id is None or braze_id in self.by_braze_id:
            self._made += 1
            braze_id = f"{0x5EED << 80 | self._made:024x}"
        profile = Profile(braze_id, external_id)
        profile.created = self._now()
        self.by_braze_id[braze_id] = profile
        if external_id is not None:
            self.by_external_id[external_id] = profile
        return profile

    def add_alias(self, profile: Profile, alias: Alias) -> bool:
        """Give a profile an alias; False where another profile has it already."""
        if alias in self.by_alias:
            return self.by_alias[alias] is profile
        self.by_alias[alias] = profile
        profile.aliases = [*(profile.aliases or ()), alias]
        return True

    def remove_alias(self, profile: Profile, alias: Alias) -> None:
        """Take an alias away from the profile that has it."""
        self.by_alias.pop(alias, None)
        profile.aliases = [one for one in profile.aliases or () if one != alias] or None

    def name(self, profile: Profile, external_id: str) -> None:
        """Give an anonymous profile its `external_id`."""
        profile.external_id = external_id
        self.by_external_id[external_id] = profile

    def touch(self, profile: Profile) -> None:
        """Note that this profile is the one updated last."""
        self._updates += 1
        profile.updated = self._updates

    def find_contact(self, kind: str, value: str, *, identified: bool | None = None) -> Profile | None:
        """The profile an email or a phone number stands for where no primary identifier is given.

        Documented: the one updated last among those with an external id, else among all.
        `identified` asks for profiles with, or without, an external id only.
        """
        holders = self._contacts[kind].get(value.lower() if kind == "email" else value, {}).values()
        fit = [one for one in holders if identified in (None, one.external_id is not None)]
        return max(fit, key=lambda one: (one.external_id is not None, one.updated), default=None)

    def set_contact(self, profile: Profile, kind: str, value: Any) -> None:
        """Keep the index of emails and phone numbers in step with a change of the field."""
        index, old = self._contacts[kind], profile.attributes.get(kind)
        if isinstance(old, str):
            holders = index.get(old.lower() if kind == "email" else old, {})
            holders.pop(profile.braze_id, None)
        if isinstance(value, str):
            index.setdefault(value.lower() if kind == "email" else value, {})[profile.braze_id] = profile

    def delete(self, profile: Profile) -> None:
        """Forget a profile."""
        if self.by_braze_id.pop(profile.braze_id, None) is None:
            return
        if profile.external_id is not None and self.by_external_id.get(profile.external_id) is profile:
            del self.by_external_id[profile.external_id]
        for alias in profile.aliases or ():
            self.by_alias.pop(alias, None)
        for kind in self._contacts:
            self.set_contact(profile, kind, None)

    def load(self, document: Any) -> Profile:
        """Put a profile as `Profile.document` writes it; one with the same external id is replaced.

        Raises:
            ValueError: The document is not a profile.
        """
        if not isinstance(document, dict):
            raise ValueError("it is no JSON object")
        external_id, attributes = document.get("external_id"), document.get("attributes", {})
        if not isinstance(attributes, dict) or not (external_id is None or isinstance(external_id, str)):
            raise ValueError("a profile needs an external_id that is text, and attributes that are an object")
        unknown = document.keys() - _KEYS
        if unknown:
            raise ValueError(f"unknown keys beside the attributes: {len(unknown)}")
        if external_id is not None and external_id in self.by_external_id:
            self.delete(self.by_external_id[external_id])
        profile = self.new(external_id=external_id, braze_id=document.get("braze_id"))
        for kind in self._contacts:
            if kind in attributes:
                self.set_contact(profile, kind, attributes[kind])
        profile.attributes = attributes
        profile.events, profile.purchases = document.get("events"), document.get("purchases")
        profile.revenue = document.get("revenue", 0.0)
        for alias in document.get("user_aliases", ()):
            self.add_alias(profile, (alias["alias_label"], alias["alias_name"]))
        return profile
