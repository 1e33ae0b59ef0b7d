"""One job: a process that runs schedules whose seeds it is told, one a line, and answers with JSON lines."""

from __future__ import annotations

import gc
import json
import os
import sys

from braze_assets.emulator import LocalBraze
from braze_assets_tests.chaos.mutants import MUTANTS, REACH
from braze_assets_tests.chaos.runner import Runner
from braze_assets_tests.chaos.s3_client import Bucket
from braze_assets_tests.chaos.schedule import make_schedule


def main(arguments: list[str]) -> None:
    """`job.py S3_URL SHARE_OF_S3 ACTIONS MUTANT`; an empty S3_URL is none."""
    s3, share, actions, mutant = arguments
    if mutant:
        MUTANTS[mutant]()
    bucket = Bucket(s3, f"chaos-{os.getpid()}") if s3 else None
    gc.freeze()  # what a fork shares stays shared
    with LocalBraze(run="process") as braze:
        runner = Runner(braze, bucket)
        for line in sys.stdin:
            schedule = make_schedule(
                int(line),
                share_s3=float(share) if s3 else 0.0,
                actions=int(actions),
                reach=REACH.get(mutant, 400),
            )
            outcome = runner.run(schedule)
            document = {**vars(outcome), "counts": dict(outcome.counts), "kinds": sorted(outcome.kinds)}
            sys.stdout.write(json.dumps(document) + "\n")
            sys.stdout.flush()
    os._exit(0)  # what was frozen is not worth tearing down


if __name__ == "__main__":
    main(sys.argv[1:])
