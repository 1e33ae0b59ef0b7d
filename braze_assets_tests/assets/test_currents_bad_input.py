"""Bad input to a feed, as a user reads of it in the run (BAD INPUT): cause, place and remedy."""

import hashlib
import math
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import dagster as dg
import pytest

from braze_assets.currents.events import avro_schema
from braze_assets.currents.quarantine import quarantined
from braze_assets.storage import Storage, StoredTable
from braze_assets_tests.currents.conftest import avro, event, record
from braze_assets_tests.projects import Project, failure, metadata

OPEN = "users.messages.email.Open"
ASSET, NODE = "currents/users_messages_email_open", "currents__users_messages_email_open"
UNKNOWN, UNKNOWN_NODE = "currents/unknown_event_types", "currents__unknown_event_types"
HOUR = "2026-07-01-00:00"
FEED = """\
type: braze_assets.CurrentsFeed
attributes:
  event_types: [users.messages.email.Open]
  window_hours: 2
"""
Put = Callable[..., Path]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path, str(tmp_path / "storage"))
    made.write("feed/defs.yaml", FEED)
    (tmp_path / "storage" / "in").mkdir(parents=True)
    return made


@pytest.fixture
def put(project: Project) -> Put:
    """Writes bytes as a file of the first hour of July."""

    def put(data: bytes, name: str = "f", event_type: str = OPEN, hour: str = "2026-07-01-00") -> Path:
        folder = f"d.S3.integration.1/event_type={event_type}/date={hour}"
        path = Path(project.storage, "in", folder, f"{name}.avro")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    return put


def good(*numbers: int, **options: Any) -> bytes:
    return avro(avro_schema(OPEN), [event(number) for number in numbers or (1,)], **options)


def rows(project: Project, asset: str = "users_messages_email_open") -> list[dict[str, Any]]:
    uri = f"{project.storage}/tables/currents/{asset}/date=2026-07-01/hour=00/data.parquet"
    found: list[dict[str, Any]] = StoredTable.at(uri).dataset().to_table().to_pylist()
    return found


BAD = {
    "bomb": (
        avro(record(("id", "string")), [{"id": "0" * 3_000_000}], codec="deflate"),
        "holds more than the",
    ),
    "codec": (good().replace(b"\x08null", b"\x08lzma", 1), "the codec 'lzma', which is not supported"),
    "cut": (good(*range(200))[:-900], "it is cut short in the block at byte"),
    "kind": (avro({"type": "string"}, ["text"]), "its schema is not a record"),  # type: ignore[list-item]
    "marker": (good(5)[:-16] + b"x" * 16, "it is damaged in the block at byte"),
    "nothing": (b"", "the file is empty"),
    "zip": (b"PK\x03\x04 this is a zip file, or whatever it may be", "it is not an Avro file"),
}


def test_bad_files_are_named_with_what_is_wrong_and_the_rest_loads(project: Project, put: Put) -> None:
    """BAD INPUT: zero bytes, not Avro, cut short, wrong sync marker, unknown codec, bomb, not a record."""
    project.write("feed/defs.yaml", FEED + "  max_decoded_mb: 1\n  error_threshold: 1\n")
    paths = {name: put(data, name) for name, (data, _) in BAD.items()}
    put(good(1000, 1001), "good")
    with dg.instance_for_test() as instance:
        result = project.run([ASSET], first=HOUR, instance=instance)
        lines = [each.user_message for each in instance.all_logs(result.run_id)]
    assert result.success
    facts = metadata(result, NODE)
    assert (facts["files"], facts["files_read"], facts["quarantined_files"]) == (8, 1, 7)
    shown = {line.split(" | ")[0].strip("| "): line for line in facts["quarantined"].splitlines()}
    kept = {each["uri"]: each["reason"] for each in quarantined(Storage(project.storage), OPEN)}
    for name, (_, words) in BAD.items():
        assert words in shown[f"{name}.avro"]
        assert words in kept[str(paths[name])]
        [line] = [each for each in lines if each.startswith("In quarantine") and f"/{name}.avro" in each]
        assert words in line
    assert {each["id"] for each in rows(project)} >= {"event-1000", "event-1001"}
    checks = {each.check_name: each.passed for each in result.get_asset_check_evaluations()}
    assert checks == {"every_file_readable": False, "counts_add_up": True}


class _Bucket(BaseHTTPRequestHandler):
    """An S3 that lists one file to those who may list, and gives it to nobody."""

    may_list = True

    def do_GET(self) -> None:
        if "list-type" not in self.path or not self.may_list:
            self._answer(403, "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>")
            return
        query = parse_qs(urlsplit(self.path).query)
        prefix, delimiter = query.get("prefix", [""])[0], query.get("delimiter", [""])[0]
        key = f"p/d.S3.integration.1/event_type={OPEN}/date=2026-07-01-00/f.avro"
        rest = key[len(prefix) :] if key.startswith(prefix) else None
        below = ""
        if rest and delimiter and "/" in rest:
            folder = prefix + rest.partition("/")[0]
            below = f"<CommonPrefixes><Prefix>{folder}/</Prefix></CommonPrefixes>"
        elif rest:
            when = "<LastModified>2026-07-01T00:00:00.000Z</LastModified>"
            below = f"<Contents><Key>{key}</Key>{when}<ETag>&quot;1&quot;</ETag><Size>9</Size></Contents>"
        self._answer(200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{below}</ListBucketResult>")

    def _answer(self, status: int, body: str) -> None:
        data = ('<?xml version="1.0"?>' + body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def forbidding(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Bucket]]:
    class Bucket(_Bucket):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    Thread(target=server.serve_forever, daemon=True).start()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "AKIDSECRETSECRET",
        "AWS_SECRET_ACCESS_KEY": "verysecret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    yield Bucket
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("may_list", [False, True], ids=["list", "get"])
def test_no_permission_names_what_to_allow(
    project: Project, forbidding: type[_Bucket], may_list: bool
) -> None:
    """BAD INPUT: refused by S3, at the listing or at the file."""
    forbidding.may_list = may_list
    project.write("feed/defs.yaml", FEED + "  url: s3://acme/p\n")
    result = project.run([ASSET], first=HOUR)
    said = failure(result, NODE)
    assert "There is no permission to list or read the Currents files: AccessDenied." in said
    assert ("f.avro" in said) == may_list
    assert "s3://acme/p/" in said
    assert "s3:ListBucket on the bucket and s3:GetObject" in said
    assert "SECRET" not in said.upper().replace("SECRET_", "")
    assert not Path(project.storage, "tables").exists()


def test_no_bucket_is_named_and_an_empty_prefix_is_an_empty_hour(project: Project, s3_bucket: str) -> None:
    """BAD INPUT."""
    project.write("feed/defs.yaml", FEED + f"  url: s3://{s3_bucket}-not/p\n")
    said = failure(project.run([ASSET], first=HOUR), NODE)
    assert "The bucket of the Currents files does not exist." in said
    assert f"s3://{s3_bucket}-not/p/" in said
    assert "create the bucket" in said
    project.write("feed/defs.yaml", FEED + f"  url: s3://{s3_bucket}/p\n")
    result = project.run([ASSET], first=HOUR)
    assert result.success
    facts = metadata(result, NODE)
    assert (facts["files"], facts["dagster/partition_row_count"]) == (0, 0)


def test_records_and_folders_that_are_odd_are_counted(project: Project, put: Put) -> None:
    """BAD INPUT: no id, no time, milliseconds, the future, no price, an hour that does not parse."""
    fields = [("id", ["null", "string"]), ("time", ["null", "long"]), ("price", "float")]
    ahead = int((datetime.now(timezone.utc) + timedelta(days=400)).timestamp())
    past = 1_782_864_000
    made = [
        {"id": None, "time": past, "price": 3.14},
        {"id": "b", "time": None, "price": math.nan},
        {"id": "c", "time": past * 1000, "price": math.inf},
        {"id": "d", "time": ahead, "price": 1.0},
    ]
    put(avro(record(*fields), made))
    odd = put(good(), hour="2026-07-01-24")
    assert odd.exists()
    config = {"currents__reconciliation": {"first": "2026-07-01-00", "last": "2026-07-01-05"}}
    with dg.instance_for_test() as instance:
        result = project.run([ASSET], first=HOUR, instance=instance)
        facts = metadata(result, NODE)
        names = ("records", "without_id", "without_time", "time_in_milliseconds", "time_in_future")
        assert [facts[name] for name in names] == [4, 1, 1, 1, 1]
        assert facts["prices_not_finite"] == 2
        assert sorted(str(each["price"]) for each in rows(project)) == ["1", "3.14", "None", "None"]
        result = project.run(["currents/reconciliation"], config=config, instance=instance)
    facts = metadata(result, "currents__reconciliation")
    assert facts["unrouted_files"] == 1
    assert "date=2026-07-01-24" in facts["unrouted_examples"][0]


def test_an_unknown_type_that_cannot_be_read_stops_alone(project: Project, put: Put) -> None:
    """K39: the other types are loaded, of this one the hour keeps what it held, and the check names it."""
    schema = record(("id", "string"), ("time", "int"))
    fine = [{"id": f"a{number}", "time": 1_782_864_000} for number in range(3)]
    first = put(avro(schema, fine), event_type="users.carrier.Pigeon")
    put(avro(schema, fine), event_type="users.carrier.Raven")
    assert project.run([UNKNOWN], first=HOUR).success
    first.write_bytes(b"no Avro")
    put(b"neither", "g", event_type="users.carrier.Pigeon")
    put(avro(schema, [{"id": "new", "time": 1_782_864_000}]), "g", event_type="users.carrier.Raven")
    result = project.run([UNKNOWN], first=HOUR)
    assert result.success
    facts = metadata(result, UNKNOWN_NODE)
    assert facts["events"] == {"users.carrier.Pigeon": 3, "users.carrier.Raven": 4}
    assert list(facts["types_not_loaded"]) == ["users.carrier.Pigeon"]
    assert "2 of 2 files of users.carrier.Pigeon" in facts["types_not_loaded"]["users.carrier.Pigeon"]
    assert len(rows(project, "unknown_event_types")) == 7
    [check] = result.get_asset_check_evaluations()
    assert (check.passed, check.metadata["types"].value) == (False, ["users.carrier.Pigeon"])
    kept = quarantined(Storage(project.storage), "users.carrier.Pigeon")
    assert {each["reason"] for each in kept} == {"it is not an Avro file: the first bytes are not Avro's"}


def test_numbers_are_hashed_by_their_text_also_after_they_were_stored(project: Project, put: Put) -> None:
    """K39: a rule that comes later is no change of a type that stops the event type."""
    fields = [("id", "string"), ("time", "int"), ("link_id", "float"), ("is_amp", "boolean")]
    put(avro(record(*fields), [{"id": "a", "time": 1_782_864_000, "link_id": 3.14, "is_amp": True}]))
    assert project.run([ASSET], first=HOUR).success
    project.write("feed/defs.yaml", FEED + "  hash_fields: [link_id, is_amp]\n")
    result = project.run([ASSET], first=HOUR)
    assert result.success
    [row] = rows(project)
    assert row["link_id"] == hashlib.sha256(b"3.14").hexdigest()
    assert row["is_amp"] == hashlib.sha256(b"true").hexdigest()
    assert "fields_as_text" not in metadata(result, NODE)
