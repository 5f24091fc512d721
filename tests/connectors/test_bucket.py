"""Objects of a bucket are landed whole, once, in order; what is odd about one stops no other."""

import gzip
import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec
import pytest

from connectors import bucket
from connectors.bucket_mapping import read_mapping
from connectors.landing import LandingRoot
from connectors.report import LandingError, LandingReport
from ingestion.contract.model import load_contract
from ingestion.read.files import SourceRoot
from settings import PROJECT_DIR, Settings
from tests.support.s3_server import S3Server, running_s3

MAPPING = """
usage.usage_reports: usage/{YYYY}/{MM}/{YYYY}{MM}{DD}-*
enrichment.companies: [enrichment/*.jsonl, enrichment/old/*]
"""


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with running_s3() as server:
        yield server


class Company:
    """A bucket with exports, and the settings of a landing from it."""

    def __init__(self, address: str, folder: Path) -> None:
        self.address, self.root = address, folder / "source"
        mappings = folder / "mappings"
        mappings.mkdir()
        (mappings / "bucket.yml").write_text(MAPPING)
        self.settings = Settings(
            source_root=str(self.root), data_dir=folder / "data", mappings_dir=mappings, land_bucket=address
        )
        self.filesystem, self.prefix = fsspec.core.url_to_fs(address, use_listings_cache=False)

    def put(self, name: str, content: bytes) -> None:
        path = f"{self.prefix}/{name}"
        self.filesystem.makedirs(path.rpartition("/")[0], exist_ok=True)
        self.filesystem.pipe_file(path, content)

    def land(self) -> LandingReport:
        return bucket.land(self.settings)

    def landed(self) -> list[tuple[str, bytes]]:
        """The folder and the bytes of each file that the load reads, in its order."""
        listing = SourceRoot(str(self.root), self.root).list_files(load_contract())
        assert listing.unknown == []
        files = [file for files in listing.files.values() for file in files]
        return [(file.path.rpartition("/")[0], (self.root / file.path).read_bytes()) for file in files]


@pytest.fixture(params=["s3", "folder"])
def company(
    request: pytest.FixtureRequest, server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Company:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return Company(
        f"s3://landed/{uuid4().hex}/exports" if request.param == "s3" else f"file://{tmp_path}/bucket", tmp_path
    )


def fill(company: Company) -> list[tuple[str, bytes]]:
    """Put objects of two tables, and return what should be landed."""
    usage, enrichment = "usage/usage_reports/date", "enrichment/companies"
    packed = gzip.compress(b"date,organization_id\n")
    company.put("usage/2026/01/20260131-part-2.csv.gz", packed)
    company.put("usage/2026/01/20260131-part-10.csv.gz", packed + b"later")
    company.put("usage/2026/02/20260201-part-1.parquet", b"PAR1\r\n\x00")
    company.put("enrichment/old/2025.jsonl", b'{"old": 1}\r\n')
    company.put("enrichment/2026.jsonl", b'{"new": 1}\n')
    return [
        (f"{usage}=2026-01-31", packed),
        (f"{usage}=2026-01-31", packed + b"later"),
        (f"{usage}=2026-02-01", b"PAR1\r\n\x00"),
        (enrichment, b'{"new": 1}\n'),
        (enrichment, b'{"old": 1}\r\n'),
    ]


def test_objects_are_landed_byte_by_byte_under_their_table_and_day(company: Company) -> None:
    expected = fill(company)
    report = company.land()
    assert sorted(company.landed()) == sorted(expected)
    assert [(table.source_table, table.files) for table in report.tables] == [
        ("usage.usage_reports", 3),
        ("enrichment.companies", 2),
    ]
    assert report.warnings == []
    # The last of a day is the truth where stamps are equal, so the order of the names is kept.
    assert [content for folder, content in company.landed() if folder.endswith("01-31")] == [
        content for folder, content in expected if folder.endswith("01-31")
    ]


def test_what_was_landed_is_not_landed_again(company: Company) -> None:
    def written() -> dict[Path, int]:
        found = [path for path in company.root.rglob("*") if path.is_file() and path.name != "_landing.lock"]
        return {path: path.stat().st_mtime_ns for path in found}

    fill(company)
    company.land()
    before = written()
    # Five objects and a note for each of two tables.
    assert len(before) == 7
    assert sum(table.files for table in company.land().tables) == 0
    assert written() == before


def test_an_object_that_changed_lands_as_a_later_file(company: Company) -> None:
    company.put("enrichment/2026.jsonl", b"first")
    company.land()
    for content in (b"second", b"first"):
        company.put("enrichment/2026.jsonl", content)
        company.land()
    assert [content for _, content in company.landed()] == [b"first", b"second", b"first"]


def test_the_same_bytes_written_again_are_not_landed(company: Company) -> None:
    company.put("enrichment/2026.jsonl", b"first")
    company.land()
    company.put("enrichment/2026.jsonl", b"first")
    assert sum(table.files for table in company.land().tables) == 0


def test_a_deleted_object_stays_landed(company: Company) -> None:
    fill(company)
    company.land()
    before = company.landed()
    company.filesystem.rm(f"{company.prefix}/enrichment", recursive=True)
    company.land()
    assert company.landed() == before


def test_without_its_notes_nothing_is_landed_twice(company: Company) -> None:
    fill(company)
    company.land()
    before = company.landed()
    notes = list(company.root.rglob("_objects.json"))
    assert len(notes) == 2
    for note in notes:
        note.unlink()
    company.land()
    assert company.landed() == before


@pytest.mark.parametrize("company", ["folder"], indirect=True)
@pytest.mark.parametrize("file_number", [1, 2, 4])
def test_a_killed_landing_is_ended_by_the_next_one(
    company: Company, file_number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = fill(company)
    put_file = LandingRoot.put_file

    def land_and_die() -> None:
        done = []

        def put_or_die(root: LandingRoot, local_file: Path, path: str) -> None:
            done.append(path)
            if len(done) == file_number:
                os.kill(os.getpid(), signal.SIGKILL)
            put_file(root, local_file, path)

        monkeypatch.setattr(LandingRoot, "put_file", put_or_die)
        company.land()

    process = multiprocessing.get_context("fork").Process(target=land_and_die)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    company.land()
    assert sorted(company.landed()) == sorted(expected)


def test_an_object_that_changes_while_it_is_copied_is_not_landed(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.put("enrichment/2025.jsonl", b"whole")
    company.put("enrichment/2026.jsonl", b"half")
    get_file = company.filesystem.get_file

    def changes(path: str, *arguments: Any) -> None:
        get_file(path, *arguments)
        if path.endswith("2026.jsonl"):
            company.put("enrichment/2026.jsonl", b"both halves")

    with monkeypatch.context() as patch:
        # fsspec keeps one instance of a filesystem
        patch.setattr(company.filesystem, "get_file", changes)
        warnings = company.land().warnings
    assert [content for _, content in company.landed()] == [b"whole"]
    assert [each for each in warnings if "no object" not in each] == [
        "bucket: enrichment/2026.jsonl changed or vanished while it was copied: the next landing tries again"
    ]
    company.land()
    assert [content for _, content in company.landed()] == [b"whole", b"both halves"]


def test_an_odd_object_is_named_and_stops_no_other(company: Company) -> None:
    expected = fill(company)
    company.put("usage/2026/02/20260230-part-1.parquet", b"PAR1")
    company.put("usage/2026/02/20260202-part-1.parquet.tmp", b"PAR1")
    company.put("usage/2026/02/20260203-part-1.parquet", b"")
    company.put("usage/2026/02/20260102-other-month.parquet", b"PAR1")
    company.put("enrichment/_temporary.jsonl", b"{}")
    assert sorted(company.land().warnings) == [
        "bucket: usage/2026/02/20260202-part-1.parquet.tmp has none of the extensions .parquet, .csv, .csv.gz, .jsonl, "
        ".jsonl.gz: it is not landed",
        "bucket: usage/2026/02/20260203-part-1.parquet is empty: it is not landed",
        "bucket: usage/2026/02/20260230-part-1.parquet has no day of the calendar in its name: it is not landed",
    ]
    assert sorted(company.landed()) == sorted(expected)


def test_a_check_names_what_is_odd_and_lands_nothing(company: Company) -> None:
    company.put("enrichment/2026.jsonl", b"")
    assert bucket.check(company.settings) == [
        f"bucket: no object of {company.address} is like 'usage/{{YYYY}}/{{MM}}/{{YYYY}}{{MM}}{{DD}}-*', which "
        "bucket.yml names for usage.usage_reports",
        "bucket: enrichment/2026.jsonl is empty: it is not landed",
        f"bucket: no object of {company.address} is like 'enrichment/*.jsonl', which bucket.yml names for "
        "enrichment.companies",
        f"bucket: no object of {company.address} is like 'enrichment/old/*', which bucket.yml names for "
        "enrichment.companies",
    ]
    assert not company.root.exists()


def test_a_bucket_in_the_source_root_is_refused(company: Company) -> None:
    inside = company.settings.model_copy(update={"source_root": company.address.rpartition("/")[0]})
    with pytest.raises(LandingError, match=r"is in the source root, which is read without a landing"):
        bucket.Bucket(inside)


@pytest.mark.parametrize("company", ["s3"], indirect=True)
def test_a_bucket_can_be_the_source_root_too(company: Company, tmp_path: Path) -> None:
    expected = fill(company)
    address = f"s3://landed/{uuid4().hex}"
    company.settings = company.settings.model_copy(update={"source_root": address})
    assert [sum(table.files for table in company.land().tables) for _ in range(2)] == [5, 0]
    root = LandingRoot(address, tmp_path / "copies")
    files = [*root.table_files("usage", "usage_reports"), *root.table_files("enrichment", "companies")]
    assert sorted((path.rpartition("/")[0], root.read(path)) for path in files) == sorted(expected)


@pytest.mark.parametrize("company", ["folder"], indirect=True)
def test_what_was_landed_into_the_bucket_itself_is_not_landed_from_it(company: Company) -> None:
    company.root = Path(company.prefix, "landed")
    company.settings = company.settings.model_copy(update={"source_root": str(company.root)})
    (company.settings.mappings_dir / "bucket.yml").write_text("enrichment.companies: '*/*/*/*.jsonl'")
    company.put("a/b/c/2026.jsonl", b"{}")
    for _ in range(2):
        company.land()
    assert company.landed() == [("enrichment/companies", b"{}")]


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("s3://no-such-bucket/exports", "bucket: s3://no-such-bucket/exports cannot be listed ("),
        ("nosuch://bucket", "the bucket nosuch://bucket cannot be opened: Protocol not known: nosuch"),
    ],
)
def test_an_address_that_cannot_be_read_is_named(company: Company, address: str, sentence: str) -> None:
    company.settings = company.settings.model_copy(update={"land_bucket": address})
    with pytest.raises(LandingError) as error:
        company.land()
    assert sentence in str(error.value)
    assert "GROWTH_LAND_BUCKET" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("usage.reports: usage/*", "usage.reports is not a table of the input contract"),
        ("usage.usage_reports: usage/*.csv", "'usage/*.csv' does not say the day of an object"),
        ("usage.usage_reports: usage/{day}.csv", "'{day}' in 'usage/{day}.csv' is not one of {YYYY}, {MM}, {DD}"),
        ("usage.usage_reports: {YYYY}", "is wrong"),
        ("usage.usage_reports", "is wrong"),
    ],
)
def test_a_mistake_in_the_mapping_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "bucket.yml"
    path.write_text(text)
    with pytest.raises(LandingError) as error:
        read_mapping(path)
    assert str(path) in str(error.value)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_the_mapping_of_the_project_fits_the_contract() -> None:
    assert len(read_mapping(PROJECT_DIR / "connectors/mappings/bucket.yml")) == 3
