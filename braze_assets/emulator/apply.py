"""The effect of accepted `/users/track` objects on the profiles.

Source: Braze documentation "Create and update users" and "User attributes object", September 2026.
"""

from typing import Any

from braze_assets.emulator.coercion import type_name
from braze_assets.emulator.history import note_event, note_purchase
from braze_assets.emulator.profiles import Profile, Profiles
from braze_assets.emulator.standard import CONTROL_KEYS, FREE_OF_CHARGE, STANDARD_FIELDS, stored_field
from braze_assets.emulator.values import IGNORED, ValueRules, stored_value

__all__ = ["Applier"]

NAME_CHARS = 255


class Applier:
    """Changes profiles by objects that passed validation, and counts data points.

    Args:
        profiles: What is changed.
        rules: What becomes of values.
        kept_events: Events and purchases kept in full, per profile and name.
    """

    def __init__(self, profiles: Profiles, rules: ValueRules, kept_events: int) -> None:
        self.profiles = profiles
        self.configure(rules, kept_events)
        self.types: dict[str, str] = {}
        """Custom attribute to the type of its first value."""

    def configure(self, rules: ValueRules, kept_events: int) -> None:
        """Apply what comes now by other rules."""
        self._rules = rules
        self._kept_events = kept_events
        self._names = dict.fromkeys(CONTROL_KEYS, "")

    def apply(self, objects: dict[str, list[dict[str, Any]]]) -> int:
        """Apply one request: attributes, then events, then purchases (documented). Returns data points."""
        points = 0
        for item in objects.get("attributes", ()):
            profile = self._profile(item, update_only=item.get("_update_existing_only"))
            if profile is not None:
                points += self._attributes(profile, item)
        for array, note in (("events", note_event), ("purchases", note_purchase)):
            for item in objects.get(array, ()):
                profile = self._profile(item, update_only=item.get("_update_existing_only"))
                if profile is not None:
                    note(profile, item, self._kept_events)
                    points += 1
        return points

    def note_type(self, name: str, value: Any) -> None:
        """Remember the type of the first value of a custom attribute."""
        if name not in STANDARD_FIELDS:
            self.types.setdefault(name, type_name(value))

    def _profile(self, item: dict[str, Any], *, update_only: Any) -> Profile | None:
        """The profile an object means, made where Braze would make one."""
        profiles = self.profiles
        if (external_id := item.get("external_id")) not in (None, ""):
            found = profiles.by_external_id.get(external_id)
            if found is None and not update_only:
                found = profiles.new(external_id=external_id)
        elif (braze_id := item.get("braze_id")) not in (None, ""):
            found = profiles.by_braze_id.get(braze_id)  # a braze_id never creates a user
        elif alias := item.get("user_alias"):
            key = (alias["alias_label"], alias["alias_name"])
            found = profiles.by_alias.get(key)
            if found is None and update_only is False:  # for aliases, updates only is the default
                found = profiles.new()
                profiles.add_alias(found, key)
        elif item.get("push_token_import"):
            found = None if update_only else profiles.new()
        else:
            kind = "email" if item.get("email") else "phone"  # of both, the email counts
            found = profiles.find_contact(kind, item[kind])
            if found is None and not update_only:
                found = profiles.new()
                self._field(found, kind, item[kind])
        if found is not None:
            profiles.touch(found)
        return found

    def _attributes(self, profile: Profile, item: dict[str, Any]) -> int:
        attributes, rules, names, types = profile.attributes, self._rules, self._names, self.types
        merge = item.get("_merge_objects") is True
        points = 0
        for given, value in item.items():
            name = names.get(given)
            if name is None:
                if given in STANDARD_FIELDS:
                    points += self._field(profile, given, value)
                    continue
                name = self._stored_name(given)
            if not name:
                continue
            if value is None:
                attributes.pop(name, None)  # removals are free
                continue
            new, cost = stored_value(name, attributes.get(name), value, rules, merge=merge)
            if new is not IGNORED:
                points += cost
                attributes[name] = new
                if name not in types:
                    self.note_type(name, new)
        return points

    def _stored_name(self, given: str) -> str:
        """The name an attribute is stored by, empty if it is not; remembered, since few names come often."""
        name = given.strip()  # documented: spaces around a name are stripped
        taken = name != given and (name in STANDARD_FIELDS or name in CONTROL_KEYS)
        if taken or len(name) > NAME_CHARS or name[:1] == "$" or name in self._rules.blocklist:
            name = ""  # blocked names are ignored (documented), bad ones too (an assumption)
        if len(self._names) < 10_000:
            self._names[given] = name
        return name

    def _field(self, profile: Profile, name: str, value: Any) -> int:
        attributes = profile.attributes
        new = None if value is None else stored_field(name, attributes.get(name), value)
        if new is IGNORED:
            return 0
        if name in ("email", "phone"):
            self.profiles.set_contact(profile, name, new)
        if new is None:
            attributes.pop(name, None)
        else:
            attributes[name] = new
        return 0 if value is None or name in FREE_OF_CHARGE else 1
