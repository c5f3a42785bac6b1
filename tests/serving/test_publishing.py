"""Revisions over the wire: checked, measured, published, and answering at once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from proofsight.client import Client
from proofsight.errors import Aborted, BadProgram, InvalidArgument
from proofsight.knowledge import Revision
from proofsight.v1 import knowledge_bases_pb2, knowledge_bases_pb2_grpc
from proofsight_server.knowledge.manifest import Manifest
from proofsight_server.serving.configuration import Configuration
from tests.serving.conftest import KB, ServerThread

LABEL = "label({}, 'left wall', hand(ada)).\n"


@dataclass(frozen=True)
class Published:
    """A knowledge base that tests add revisions to; `first` and `rules` are of its revision 1."""

    client: Client
    address: str
    directory: Path
    first: Revision
    rules: str

    def numbers(self) -> list[int]:
        return sorted(int(path.name) for path in self.directory.iterdir())


@pytest.fixture(scope="module")
def published(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    """One server for all tests, which begin with whatever is the newest revision by then."""
    copy = tmp_path_factory.mktemp("publishing") / "repository"
    shutil.copytree(repository / "digits" / "1", copy / "digits" / "1")
    thread = ServerThread(copy, Configuration(port=0, workers=1, refresh=0))
    with Client(thread.address, timeout=120) as client:
        rules = client.export("digits").files["rules.pl"]
        first = client.revision("digits")
        yield Published(client, thread.address, copy / "digits", first, rules)
    thread.stop()


def shorter(rules: str) -> str:
    """The program without its first clause."""
    blocks = rules.split("\n\n")
    del blocks[1]
    return "\n\n".join(blocks)


def test_edited_rules_are_published_measured_and_answer(published: Published) -> None:
    client, before = published.client, published.first
    created = client.create_revision(
        "digits/1",
        {"rules.pl": shorter(published.rules)},
        etag=before.etag,
        author="ada",
        note="too long",
    )
    number = published.numbers()[-1]
    assert created.name == f"{KB}/revisions/{number}"
    assert created.basis == "measured"
    assert created.comparison["parent"] == "digits/1"
    after = client.revision("digits")
    assert (after.name, after.etag) == (created.name, created.etag)
    assert after.rule_count == before.rule_count - 1
    assert after.figures == created.figures
    text = (published.directory / str(number) / "manifest.json").read_text()
    revised = Manifest.from_json(text).revised
    assert (revised["author"], revised["note"]) == ("ada", "too long")


def test_a_stale_etag_is_aborted_and_nothing_written(published: Published) -> None:
    client, name = published.client, published.first.propositions[0].name
    etag = client.revision("digits").etag
    first = client.create_revision("digits", {"labels.pl": LABEL.format(name)}, etag=etag)
    numbers = published.numbers()
    with pytest.raises(Aborted, match="somebody changed it meanwhile") as caught:
        client.create_revision("digits", {"labels.pl": ""}, etag=etag)
    assert caught.value.reason == "STALE_ETAG"
    assert caught.value.metadata["etag"] == first.etag
    # Who names the older revision means it: its etag holds still.
    branch = client.create_revision(
        "digits/1", {"labels.pl": LABEL.format(name)}, etag=published.first.etag, validate_only=True
    )
    assert branch.comparison["parent"] == "digits/1"
    assert published.numbers() == numbers


def test_validate_only_measures_and_publishes_nothing(published: Published) -> None:
    numbers = published.numbers()
    created = published.client.create_revision(
        "digits/1", {"rules.pl": shorter(published.rules)}, validate_only=True
    )
    assert (created.name, created.etag) == ("", "")
    assert created.basis == "measured"
    assert created.figures["rules"] == published.first.rule_count - 1
    assert published.numbers() == numbers


def test_labels_need_no_measuring(published: Published) -> None:
    name = published.first.propositions[0].name
    created = published.client.create_revision("digits/1", {"labels.pl": LABEL.format(name)})
    assert created.basis == "carried over"
    assert created.figures == published.first.figures
    assert published.client.revision("digits").propositions[0].label == "left wall"


def test_figures_are_withheld_where_the_server_has_not_the_data(
    published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    from proofsight_server.errors import BadDataset
    from proofsight_server.serving import publishing

    def missing(*_: object, **__: object) -> None:
        raise BadDataset("no such folder")

    monkeypatch.setattr(publishing, "open_dataset", missing)
    client = published.client
    created = client.create_revision("digits/1", {"rules.pl": shorter(published.rules)})
    assert created.basis == "withheld"
    assert created.why == "the server cannot open the data digits: no such folder"
    assert client.revision("digits").figures == {}
    assert client.rules("digits")[0].stats.get("support") is None


def test_a_program_that_does_not_hold_is_refused_with_its_findings(published: Published) -> None:
    numbers = published.numbers()
    wrong = "class(Image, digit_0) :- rule(r90, Image), active(Image, conv9_c9).\n"
    with pytest.raises(BadProgram) as caught:
        published.client.create_revision("digits/1", {"rules.pl": published.rules + wrong})
    (finding,) = caught.value.findings
    assert (finding.path, finding.line) == ("rules.pl", published.rules.count("\n") + 1)
    assert published.numbers() == numbers


@pytest.mark.parametrize(
    ("paths", "told"),
    [(("quantiser.pl",), "is no file of a program"), (("user.pl", "user.pl"), "comes twice")],
)
def test_other_files_and_files_given_twice_are_refused(
    published: Published, paths: tuple[str, ...], told: str
) -> None:
    files = [knowledge_bases_pb2.ProgramFile(path=path, text="") for path in paths]
    request = knowledge_bases_pb2.CreateRevisionRequest(parent=KB, files=files)
    with (
        grpc.insecure_channel(published.address) as channel,
        pytest.raises(grpc.RpcError) as caught,
    ):
        stub: Any = knowledge_bases_pb2_grpc.KnowledgeBasesStub(channel)
        stub.CreateRevision(request)
    error: Any = caught.value
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert told in error.details()
    trailers = dict(error.trailing_metadata())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info) and info.reason == "BAD_OPTION"


def test_nothing_changed_is_refused(published: Published) -> None:
    with pytest.raises(InvalidArgument, match="nothing was chang"):
        published.client.create_revision("digits", {})
