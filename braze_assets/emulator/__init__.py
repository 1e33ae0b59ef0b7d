"""A local Braze that behaves as documented, with faults on demand.

`python -m braze_assets.emulator` runs one; `LocalBraze` runs one for a test. D in the comments of this room
marks what Braze documents, M what somebody measured on a live workspace, A an assumption nobody could check.
"""

from braze_assets.emulator.client import Control
from braze_assets.emulator.process import LocalBraze
from braze_assets.emulator.settings import DEFAULT_API_KEY, Settings

__all__ = ["DEFAULT_API_KEY", "Control", "LocalBraze", "Settings"]
