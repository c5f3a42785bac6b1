"""Revisions over the wire: checked, measured, published, and answering at once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from proofsight.client import Client
from proofsight.errors import Aborted, BadProgram, InvalidArgument
from proofsight.v1 import knowledge_bases_pb2, knowledge_bases_pb2_grpc
from proofsight_server.knowledge.manifest import Manifest
from proofsight_server.serving.configuration import Configuration
from tests.serving.conftest import KB, ServerThread

LABEL = "label({}, 'left wall', hand(ada)).\n"


@pytest.fixture
def own(repository: Path, tmp_path: Path) -> Iterator[tuple[ServerThread, Path]]:
    """A server of a repository of its own, which a test may add to."""
    copy = tmp_path / "repository"
    shutil.copytree(repository / "digits" / "1", copy / "digits" / "1")
    thread = ServerThread(copy, Configuration(port=0, workers=1, refresh=0))
    yield thread, copy / "digits"
    thread.stop()


@pytest.fixture
def client(own: tuple[ServerThread, Path]) -> Iterator[Client]:
    with Client(own[0].address, timeout=120) as client:
        yield client


def shorter(rules: str) -> str:
    """The program without its first clause."""
    blocks = rules.split("\n\n")
    del blocks[1]
    return "\n\n".join(blocks)


def test_edited_rules_are_published_measured_and_answer(
    client: Client, own: tuple[ServerThread, Path]
) -> None:
    before = client.revision("digits")
    rules = shorter(client.export("digits").files["rules.pl"])
    created = client.create_revision(
        "digits", {"rules.pl": rules}, etag=before.etag, author="ada", note="too long"
    )
    assert created.name == f"{KB}/revisions/2"
    assert created.basis == "measured"
    assert created.comparison["parent"] == "digits/1"
    after = client.revision("digits")
    assert (after.name, after.etag) == (created.name, created.etag)
    assert after.rule_count == before.rule_count - 1
    assert after.figures == created.figures
    manifest = Manifest.from_json((own[1] / "2" / "manifest.json").read_text())
    assert (manifest.revised["author"], manifest.revised["note"]) == ("ada", "too long")


def test_a_stale_etag_is_aborted_and_nothing_written(
    client: Client, own: tuple[ServerThread, Path]
) -> None:
    rules = shorter(client.export("digits").files["rules.pl"])
    etag = client.revision("digits").etag
    first = client.create_revision("digits", {"rules.pl": rules}, etag=etag)
    with pytest.raises(Aborted, match="somebody changed it meanwhile") as caught:
        client.create_revision("digits", {"rules.pl": shorter(rules)}, etag=etag)
    assert caught.value.reason == "STALE_ETAG"
    assert caught.value.metadata["etag"] == first.etag
    # Who names the older revision means it: its etag holds still.
    branch = client.create_revision("digits/1", {"rules.pl": shorter(rules)}, etag=etag)
    assert branch.comparison["parent"] == "digits/1"
    assert sorted(path.name for path in own[1].iterdir()) == ["1", "2", "3"]


def test_validate_only_measures_and_publishes_nothing(
    client: Client, own: tuple[ServerThread, Path]
) -> None:
    rules = shorter(client.export("digits").files["rules.pl"])
    created = client.create_revision("digits", {"rules.pl": rules}, validate_only=True)
    assert (created.name, created.etag) == ("", "")
    assert created.figures["rules"] == client.revision("digits").rule_count - 1
    assert [path.name for path in own[1].iterdir()] == ["1"]


def test_labels_need_no_measuring(client: Client) -> None:
    name = client.revision("digits").propositions[0].name
    created = client.create_revision("digits", {"labels.pl": LABEL.format(name)})
    assert created.basis == "carried over"
    assert client.revision("digits").propositions[0].label == "left wall"


def test_figures_are_withheld_where_the_server_has_not_the_data(
    client: Client, own: tuple[ServerThread, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from proofsight_server.errors import BadDataset
    from proofsight_server.serving import publishing

    def missing(*_: object, **__: object) -> None:
        raise BadDataset("no such folder")

    monkeypatch.setattr(publishing, "open_dataset", missing)
    rules = shorter(client.export("digits").files["rules.pl"])
    created = client.create_revision("digits", {"rules.pl": rules})
    assert created.basis == "withheld"
    assert created.why == "the server cannot open the data digits: no such folder"
    assert client.revision("digits").figures == {}
    assert client.rules("digits")[0].stats.get("support") is None


def test_a_program_that_does_not_hold_is_refused_with_its_findings(
    client: Client, own: tuple[ServerThread, Path]
) -> None:
    rules = client.export("digits").files["rules.pl"]
    wrong = "class(Image, digit_0) :- rule(r90, Image), active(Image, conv9_c9).\n"
    with pytest.raises(BadProgram) as caught:
        client.create_revision("digits", {"rules.pl": rules + wrong})
    (finding,) = caught.value.findings
    assert (finding.path, finding.line) == ("rules.pl", rules.count("\n") + 1)
    assert [path.name for path in own[1].iterdir()] == ["1"]


@pytest.mark.parametrize(
    ("paths", "told"),
    [(("quantiser.pl",), "is no file of a program"), (("user.pl", "user.pl"), "comes twice")],
)
def test_other_files_and_files_given_twice_are_refused(
    channel: grpc.Channel, paths: tuple[str, ...], told: str
) -> None:
    stub: Any = knowledge_bases_pb2_grpc.KnowledgeBasesStub(channel)
    files = [knowledge_bases_pb2.ProgramFile(path=path, text="") for path in paths]
    request = knowledge_bases_pb2.CreateRevisionRequest(parent=KB, files=files)
    with pytest.raises(grpc.RpcError) as caught:
        stub.CreateRevision(request)
    error: Any = caught.value
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert told in error.details()
    trailers = dict(error.trailing_metadata())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info) and info.reason == "BAD_OPTION"


def test_nothing_changed_is_refused(channel: grpc.Channel, served: ServerThread) -> None:
    with (
        Client(served.address) as client,
        pytest.raises(InvalidArgument, match="nothing was chang"),
    ):
        client.create_revision("digits", {})
