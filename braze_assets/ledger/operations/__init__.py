"""Operations on a ledger by hand: each says its size first, and is done when that is confirmed."""

from braze_assets.ledger.operations.adopt import Adopt
from braze_assets.ledger.operations.compact import Compact
from braze_assets.ledger.operations.doubt import Doubt
from braze_assets.ledger.operations.forget import ForgetAttributes, ForgetSync, ForgetUsers
from braze_assets.ledger.operations.history import Overview, held_on, overview, versions
from braze_assets.ledger.operations.lost_plan import lost_plan
from braze_assets.ledger.operations.operation import Operation, Size
from braze_assets.ledger.operations.release import Release
from braze_assets.ledger.operations.repair import Damaged, diagnose, repair
from braze_assets.ledger.operations.restore import Restore
from braze_assets.ledger.operations.resync import Resync
from braze_assets.ledger.operations.retire import Retire
from braze_assets.ledger.operations.run import Outcome, operate, propose
from braze_assets.ledger.operations.users import users_in_file, users_named

__all__ = [
    "Adopt",
    "Compact",
    "Damaged",
    "Doubt",
    "ForgetAttributes",
    "ForgetSync",
    "ForgetUsers",
    "Operation",
    "Outcome",
    "Overview",
    "Release",
    "Restore",
    "Resync",
    "Retire",
    "Size",
    "diagnose",
    "held_on",
    "lost_plan",
    "operate",
    "overview",
    "propose",
    "repair",
    "users_in_file",
    "users_named",
    "versions",
]
