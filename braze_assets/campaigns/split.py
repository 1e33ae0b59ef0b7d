"""Who gets which treatment, and who is control: decided by a hash alone, so that it never has to be kept.

The rule, for customer K of the seed S, in any engine that has MD5:

1. `draw(T)` is the first 13 hexadecimal digits of md5("braze_assets:1:S:T:K"), as a number, plus one half,
   divided by 16^13: between 0 and 1, evenly.
2. Who draws less for T = "~control" than the share of the control group is control.
3. Of the others, each gets the treatment for which ln(draw(treatment)) / share is the highest.

So nobody moves when the audience grows. A treatment that is added takes customers from the others and moves
nobody between those; it makes no difference in which order they are written. Control depends on no treatment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from braze_assets.storage import quote_literal

__all__ = ["Split"]

_DIGITS = 13


@dataclass(frozen=True, kw_only=True)
class Split:
    """How the members of a campaign are split.

    Args:
        seed: Splits of other seeds are independent of this one.
        treatments: Shares by name, above 0, of any sum; one without a name where there is but one.
        control: Of all members, those that get nothing: 0 to 1.
    """

    seed: str
    treatments: Mapping[str, float] = field(default_factory=lambda: {"": 1.0})
    control: float = 0.0

    def draw(self, key: str, what: str) -> str:
        """SQL: the number a customer draws; `key` is the SQL of its key, text."""
        text = f"{quote_literal(f'braze_assets:1:{self.seed}:{what}:')} || {key}"
        return f"((CAST('0x' || left(md5({text}), {_DIGITS}) AS BIGINT) + 0.5) / {16**_DIGITS}.0)"

    def sql(self, key: str) -> str:
        """SQL: the name of the treatment, NULL for control; `key` is the SQL of the customer's key."""
        key = f"CAST({key} AS VARCHAR)"
        names = sorted(self.treatments)
        scores = [f"ln({self.draw(key, name)}) / {self.treatments[name]!r}" for name in names]
        chosen = quote_literal(names[0])
        if len(names) > 1:
            best = f"greatest({', '.join(scores)})"
            cases = " ".join(
                f"WHEN {score} = {best} THEN {quote_literal(name)}"
                for name, score in zip(names, scores, strict=True)
            )
            chosen = f"CASE {cases} END"
        if not self.control:
            return chosen
        return f"CASE WHEN {self.draw(key, '~control')} < {self.control!r} THEN NULL ELSE {chosen} END"
