"""The demo's story: several days of one brand, told with figures."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path

from braze_assets.assets.currents import event_asset_key
from braze_assets.currents.events import EMAIL_EVENT_TYPES
from braze_assets.currents.generator import GeneratorSettings, write_hours
from braze_assets.customer_360 import TABLES, SampleSettings, seed_profiles
from braze_assets.demo.audiences import campaign_chapter, segments_chapter
from braze_assets.demo.chapter import Chapter, DemoFailedError, must
from braze_assets.demo.killed import KilledImport, killed_chapter
from braze_assets.demo.proof import prove
from braze_assets.demo.runs import Run, Runner
from braze_assets.emulator.client import Control
from braze_assets.storage import StoredTable, connect

__all__ = ["Story"]

SYNC = "braze_customer_attributes"
_TABLES = [f"customer_360/{name}" for name in TABLES]
_EVENTS = [event_asset_key(each).to_user_string() for each in EMAIL_EVENT_TYPES]
_EMAIL = ["customer_360/unified_email_events", "customer_360/email_engagement_summary"]
_ROWS = [SYNC, f"{SYNC}_findings"]
_DELIVERY = [f"{SYNC}_delta", f"{SYNC}_sync"]
# Every sync is a preview until somebody asks for more; the demo's Braze is a local one.
_LIVE = {f"{SYNC}_sync": {"mode": "live"}}


class Story:
    """Tells the story on a Dagster instance and a local Braze.

    Args:
        runner: Executes assets.
        braze: The local Braze's control.
        storage: Where the assets are stored, for the proof to read the wanted table itself.
        currents: Where the generator writes what Braze Currents would.
        drop: Where CSV files are dropped.
        start: The first day.
        customers: Customers on it.
    """

    def __init__(
        self,
        runner: Runner,
        braze: Control,
        *,
        storage: Path,
        currents: Path,
        drop: Path,
        start: date,
        customers: int,
    ) -> None:
        self._runner = runner
        self._braze = braze
        self._storage = storage
        self._currents = currents
        self._drop = drop
        self._sample = SampleSettings(customers=customers, start=start)
        self._days = [f"{start + timedelta(days=number):%Y-%m-%d}" for number in range(5)]

    def chapters(self) -> Iterator[tuple[str, Callable[[], Chapter]]]:
        """What happens, in order: a line for the screen, and the part itself."""
        yield "Braze as it stands: profiles from the app and the shop", self.seed
        yield "Customer 360 of the first two days", self.sources
        yield "Currents: Avro files to events to engagement", self.engagement
        yield "First sync", self.first_sync
        yield "The same partition again", self.again
        yield "A sample read back", self.read_back
        yield "The next day", self.next_day
        yield "A plan that must not be sent", self.blocked
        yield "Three days in one backfill", self.backfill
        yield "Segments", self.segments
        yield "A campaign with a control group, launched twice", self.campaign
        yield "A CSV file whose import is killed half-way", self.killed
        yield "Proof", self.proof

    def seed(self) -> Chapter:
        """Put into Braze whom it knows already."""
        with connect() as connection:
            known = self._braze.seed(seed_profiles(connection, self._sample))
        return Chapter("Braze before the first sync", {"profiles": f"{known:,}"})

    def sources(self) -> Chapter:
        """Make the tables a brand would bring."""
        made = must(self._runner.run(_TABLES, self._days[0], self._days[1]))
        customers = made.metadata("customer_360/merged_customers")["dagster/partition_row_count"]
        facts = {"tables": str(len(_TABLES)), "customers": f"{customers:,}"}
        return Chapter("Customer 360 (synthetic)", facts)

    def engagement(self) -> Chapter:
        """Read Currents."""
        start = datetime.combine(self._sample.start, time(), tzinfo=timezone.utc)
        hours = [start + timedelta(hours=number) for number in range(24)]
        ids = self._known()
        settings = GeneratorSettings(external_ids=ids, sends_per_hour=max(10, len(ids) // 200))
        files = write_hours(str(self._currents), settings, hours)
        first, last = f"{hours[0]:%Y-%m-%d-%H:%M}", f"{hours[-1]:%Y-%m-%d-%H:%M}"
        events = must(self._runner.run(_EVENTS, first, last))
        must(self._runner.run(_EMAIL[:1], self._days[0]))
        summary = must(self._runner.run(_EMAIL[1:], self._days[0], self._days[1]))
        records = sum(events.total(each, "records") for each in _EVENTS)
        rows = sum(events.total(each, "dagster/partition_row_count") for each in _EVENTS)
        customers = summary.metadata(_EMAIL[1])["dagster/partition_row_count"]
        return Chapter(
            "Currents came back",
            {
                "Avro files": f"{len(files):,} (5 event types x 24 hours)",
                "records read": f"{records:,}",
                "events, each once": f"{rows:,} ({records - rows:,} duplicates left out)",
                "customers with engagement": f"{customers:,}",
                "fed into": "most_recent_email_open_datetime, clicked_email_last_30_days, email_engagement",
            },
        )

    def first_sync(self) -> Chapter:
        """Send everything."""
        run = self._sync(self._days[0])
        sent, plan = run.metadata(f"{SYNC}_sync"), run.metadata(f"{SYNC}_delta")
        findings = run.metadata(f"{SYNC}_findings")["dagster/partition_row_count"]
        return Chapter(
            f"First sync ({self._days[0]})",
            {
                "users": f"{sent['accepted']:,} accepted, {sent['rejected']:,} rejected",
                "requests": f"{sent['requests']:,}",
                "data points": f"{plan['data_points']:,}",
                "kept back": f"{plan['left_out']:,} rows; {findings:,} findings in {SYNC}_findings",
            },
        )

    def again(self) -> Chapter:
        """The same partition a second time."""
        before = self._requests()
        run = self._sync(self._days[0])
        return Chapter(
            f"The same partition again ({self._days[0]})",
            {
                "objects": f"{run.metadata(f'{SYNC}_sync')['objects']:,}",
                "requests": f"{self._requests() - before:,}",
            },
        )

    def read_back(self) -> Chapter:
        """Ask Braze what it holds of some users."""
        audit = must(self._runner.run([f"{SYNC}_audit"], self._days[0])).metadata(f"{SYNC}_audit")
        return Chapter(
            "A sample read back",
            {
                "users": f"{audit['found']:,} found",
                "unknown": f"{audit['released_users']:,}: they leave the ledger, and are new again",
                "values": f"{audit['matching']:,} of {audit['compared']:,} match",
            },
        )

    def next_day(self) -> Chapter:
        """One day later."""
        run = self._sync(self._days[1])
        plan, sent = run.metadata(f"{SYNC}_delta"), run.metadata(f"{SYNC}_sync")
        saved = plan["data_points_if_resent"] - plan["data_points"]
        return Chapter(
            f"The next day ({self._days[1]})",
            {
                "users": f"{plan['new_users']:,} new, {plan['changed_users']:,} changed; "
                f"{sent['accepted']:,} accepted",
                "attributes": f"{plan['attributes']:,}",
                "requests": f"{sent['requests']:,}",
                "data points": f"{plan['data_points']:,}; sending every row whole would cost {saved:,} more",
            },
        )

    def blocked(self) -> Chapter:
        """A sync whose column `birthday` would stand beside Braze's own `dob`."""
        before = self._requests()
        must(self._runner.run(["birthday_club", "birthday_club_findings"], self._days[0]))
        plan = must(self._runner.run(["birthday_club_delta"], self._days[0]))
        refused = self._runner.run(["birthday_club_sync"], self._days[0])
        if refused.succeeded:
            raise DemoFailedError("The sync birthday_club was sent, though its guard failed.")
        return Chapter(
            "A plan that must not be sent (birthday_club)",
            {
                "would have sent": f"{plan.metadata('birthday_club_delta')['objects']:,} objects",
                "requests": f"{self._requests() - before:,}",
            },
            refused.failure(),
        )

    def backfill(self) -> Chapter:
        """Three days at once: one run, one plan, the newest state only."""
        first, last = self._days[2], self._days[4]
        must(self._runner.run([*_TABLES, _EMAIL[1], *_ROWS], first, last))
        run = must(self._runner.run(_DELIVERY, first, last, config=_LIVE))
        plan, sent = run.metadata(f"{SYNC}_delta"), run.metadata(f"{SYNC}_sync")
        return Chapter(
            f"Three days in one backfill ({first} to {last})",
            {
                "runs of the plan and the send": "1, for 3 partitions",
                "plans": f"1 with {plan['objects']:,} objects, 2 empty: collapsed into {last}",
                "requests": f"{sent['requests']:,}",
                "data points": f"{plan['data_points']:,}",
            },
        )

    def segments(self) -> Chapter:
        """Who belongs together, by rules."""
        return segments_chapter(self._runner, self._days[3], self._days[4])

    def campaign(self) -> Chapter:
        """Who has not bought for a year."""
        return campaign_chapter(self._runner, self._braze, self._days[3], self._days[4])

    def killed(self) -> Chapter:
        """A file that is dropped into a folder."""
        return killed_chapter(KilledImport(self._runner, self._braze, self._drop), self._known())

    def proof(self) -> Chapter:
        """Compare what Braze holds with what it should hold.

        Raises:
            DemoFailedError: There is a difference.
        """
        self._braze.wait_until_applied()
        table = self._storage / "tables" / SYNC / f"date={self._days[4]}" / "data.parquet"
        proof = prove(StoredTable.at(table), self._braze.profiles(), unset=frozenset({"loyalty_tier"}))
        if proof.differences or not proof.values:
            raise DemoFailedError(
                f"{proof.differences:,} of {proof.values:,} values in Braze differ from the table.",
                place=", ".join(f"{name}: {count:,}" for name, count in proof.by_attribute.items())
                or str(table),
                remedy="This is a defect of the project: please report it.",
            )
        return Chapter(
            "Proof: every profile compared with the wanted table",
            {
                "profiles compared": f"{proof.profiles:,}",
                "values compared": f"{proof.values:,}",
                "differences": f"{proof.differences:,} differences",
                "not in Braze": f"{proof.unknown_to_braze:,} users (updates only is the default)",
                "not ours to say": f"{proof.left_alone:,} cells without a value or with a finding; "
                f"{proof.only_in_braze:,} profiles that are not in the table",
            },
        )

    def _sync(self, day: str) -> Run:
        return must(self._runner.run([*_ROWS, *_DELIVERY], day, config=_LIVE))

    def _requests(self) -> int:
        return int(self._braze.counters()["paths"].get("/users/track", 0))

    def _known(self) -> list[str]:
        """Whom Braze knew at the beginning."""
        with connect() as connection:
            return [profile["external_id"] for profile in seed_profiles(connection, self._sample)]
