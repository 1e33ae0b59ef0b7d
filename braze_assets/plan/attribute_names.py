"""Guards of what a table's columns are called: names nobody knows, and names of personal data."""

import difflib
import re
import unicodedata
from collections.abc import Iterable

from braze_assets.braze.fields import personal
from braze_assets.plan.facts import Facts
from braze_assets.plan.judging import Verdict
from braze_assets.plan.settings import GuardSettings

__all__ = ["is_personal", "near_miss", "new_attributes", "personal_data"]

_SIMILAR = 0.85


def new_attributes(facts: Facts) -> Verdict:
    """Names that Braze would see for the first time, as far as ledger and catalog know.

    In a first sync without a catalog everything is new: that is shown, and no reason to warn; two names of
    the table that are nearly the same are.
    """
    policy, known = facts.guards.new_attributes, {*facts.guards.known_attributes, *facts.held}
    custom = [each.name for each in facts.header.attributes if each.kind == "custom"]
    new = [name for name in custom if name not in known]
    near = {name: miss for name in new if (miss := near_miss(name, known))}
    near |= {name: twin for name in new if (twin := _twin(name, custom))}
    alone = not known and not near
    shown = ", ".join(
        f"`{name}`" + (f" (nearly `{near[name]}`, which is known)" if near.get(name) in known else "")
        if name not in near or near[name] in known
        else f"`{name}` (nearly `{near[name]}`, in the same table)"
        for name in new
    )
    listed = "the catalog" if facts.guards.known_attributes else "the ledger"
    message = (
        ""
        if not new
        else f"New in Braze, as far as is known: {shown}."
        if alone or policy == "allow"
        else f"Not in {listed} yet: {shown}. Braze makes a custom attribute of each name it has never "
        "seen, and keeps it. Correct what is a mistake in the query; put what is meant into the attribute "
        "catalog, or set guards.new_attributes to allow."
    )
    return Verdict(
        guard="new_attributes",
        passed=not new or alone or policy == "allow",
        allowed=bool(new) and not alone and policy == "warn",
        observed=", ".join(new) or None,
        message=message,
    )


def personal_data(facts: Facts) -> Verdict:
    """Attributes that say who somebody is, where the template does not allow that."""
    guards = facts.guards
    found = [each.name for each in facts.header.attributes if is_personal(each.name, guards)]
    refused = [] if guards.allow_personal else found
    return Verdict(
        guard="personal_data",
        passed=not refused,
        observed=", ".join(found) or None,
        message=f"{', '.join(refused)}: personal data, which the template of this sync does not allow (pii: "
        "false). Leave them out of the query, or name another template."
        if refused
        else "",
    )


def is_personal(name: str, guards: GuardSettings) -> bool:
    """Whether an attribute is personal data: the settings say so, or its name does."""
    return name in guards.personal_attributes or (personal(name) and name not in guards.impersonal_attributes)


def near_miss(name: str, known: Iterable[str]) -> str | None:
    """The known name that this one is probably meant to be: but for case, spaces and signs, or a typo.

    Names whose digits differ (`l3m_revenue`, `l12m_revenue`) are different on purpose.
    """
    by_letters = {_letters(each): each for each in sorted(known) if each != name}
    letters = _letters(name)
    if letters in by_letters:
        return by_letters[letters]
    digits = re.findall(r"\d+", letters)
    alike = [each for each in by_letters if re.findall(r"\d+", each) == digits]
    close = difflib.get_close_matches(letters, alike, n=1, cutoff=_SIMILAR)
    return by_letters[close[0]] if close else None


def _twin(name: str, names: Iterable[str]) -> str | None:
    letters = _letters(name)
    return next((each for each in names if each != name and _letters(each) == letters), None)


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name).casefold())
