"""ExtractInteractions and why --with interactions, through a real channel."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from proofsight import Client, ImageInteractions, Operation
from proofsight.errors import InvalidArgument
from proofsight.v1.extraction_pb2 import ExtractInteractionsRequest
from proofsight.v1.extraction_pb2 import RegionBox as RegionBoxMessage
from proofsight_server.errors import BadImage, BadOption, UnknownClass
from proofsight_server.extraction.progress import Watch
from proofsight_server.serving import interactions
from proofsight_server.serving.configuration import Configuration

from .conftest import ServerThread


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the server keeps scores."""
    return tmp_path_factory.mktemp("kept") / "scores"


@pytest.fixture(scope="module")
def client(
    repository: Path, scores: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    """Of a server with a repository of its own, which interactions are added to."""
    own = tmp_path_factory.mktemp("interactions") / "repository"
    shutil.copytree(repository, own)
    shutil.copytree(own / "digits", own / "twin")
    settings = Configuration(port=0, workers=1, refresh=0, score_cache=str(scores))
    thread = ServerThread(own, settings)
    with Client(thread.address, timeout=30) as client:
        yield client
    thread.stop()


@pytest.fixture(scope="module")
def stored(client: Client, png: bytes) -> ImageInteractions:
    """Interactions of two networks that are one, in both of their revisions."""
    seen: list[Operation] = []
    found = client.extract_interactions(
        png, ["digits", "twin"], "grid:2x2", title="Zéro 1", box=0.0, nulls=1, progress=seen.append
    )
    assert seen[0].subject == "interactions in Zéro 1 for digits/1, twin/1"
    assert seen[-1].ended
    return found


def test_the_sum_is_within_its_bound_and_twins_share_everything(stored: ImageInteractions) -> None:
    one, other = stored.networks
    assert (one.network, other.network) == ("digits/1", "twin/1")
    assert abs(one.score - one.sum) <= one.residual_bound
    assert one.primitives
    assert all(primitive.shared_with == ("twin/1",) for primitive in one.primitives)
    assert stored.image_id.startswith("z_ro_1_")
    assert stored.files == tuple(
        f"interactions/{stored.image_id}.{ending}" for ending in ("pl", "html")
    )
    assert stored.report["baseline"] == "zero"
    assert stored.report["sharing"]["iou"] == 1
    assert stored.report["sharing"]["renamed_regions"]["extractions"] == 1


def test_a_question_with_interactions_has_the_proved_sum_of_each_network(
    client: Client, png: bytes, stored: ImageInteractions
) -> None:
    for kb in ("digits", "twin"):
        answer = client.why(png, kb, with_interactions=True)
        assert [one.network for one in answer.interactions] == ["digits/1", "twin/1"]
        one = answer.interactions[0]
        assert (one.image_id, one.class_name) == (stored.image_id, stored.class_name)
        assert one.proof.nodes[0].goal.startswith("decides('digits/1',")
        assert "bias(" in answer.text()
        assert answer.to_dict()["interactions"][0]["verdict"] == one.verdict
    assert client.why(png, "digits").interactions == ()


def test_stored_interactions_can_be_asked_about(client: Client, stored: ImageInteractions) -> None:
    goal = f"verified(Net, {stored.image_id}, {stored.class_name})"
    assert [s["Net"] for s in client.query(goal, kb="digits")] == ["'digits/1'", "'twin/1'"]


def test_interactions_are_not_found_by_facts_and_not_of_another_image(
    client: Client, png: bytes, stored: ImageInteractions
) -> None:
    facts = client.facts(png, "digits")
    with pytest.raises(InvalidArgument, match="found by the pixels"):
        client.why(facts, with_interactions=True)
    assert stored.image_id


def test_scores_are_kept_and_the_next_request_finds_them(
    client: Client, png: bytes, stored: ImageInteractions, repository: Path, tmp_path: Path
) -> None:
    shutil.copytree(repository / "digits", tmp_path / "digits")
    cache = interactions.score_cache(Configuration(score_cache=str(tmp_path / "scores")))
    assert cache is not None
    request = ExtractInteractionsRequest(encoded=png, regions="grid:2x2")
    seen: list[list[int]] = []
    for score in ("log_odds", "margin"):
        request.score = score
        steps: list[int] = []
        watch = Watch(
            lambda phase, done, _, steps=steps: steps.append(done) if "masks" in phase else None
        )
        directories = [str(tmp_path / "digits" / "1")]
        interactions.stored(request.SerializeToString(), directories, (), cache, watch)
        seen.append(steps)
    assert seen[0][0] == 0
    assert seen[1] == [seen[0][-1]]  # nothing was computed again


def test_a_server_keeps_scores_where_it_is_told_to(stored: ImageInteractions, scores: Path) -> None:
    assert stored.networks
    assert len(list(scores.glob("*.npz"))) == 1  # of twins, whose weights are the same


def test_a_directory_that_cannot_be_written_to_is_refused_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(BadOption, match=r"scores cannot be kept in .*/file/scores"):
        interactions.score_cache(Configuration(score_cache=str(file / "scores")))
    assert interactions.score_cache(Configuration()) is None


def test_boxes_become_regions_with_their_names(
    repository: Path, png: bytes, tmp_path: Path
) -> None:
    shutil.copytree(repository / "digits", tmp_path / "digits")
    request = ExtractInteractionsRequest(
        encoded=png,
        boxes=[
            RegionBoxMessage(right=4, bottom=8, name="left"),
            RegionBoxMessage(left=4, right=8, bottom=8),
        ],
    )
    found = interactions.stored(
        request.SerializeToString(), [str(tmp_path / "digits" / "1")], (), None, Watch()
    )
    report = MessageToDict(found.report)
    assert [one["name"] for one in report["named_regions"]] == ["left", "box 1"]
    assert (tmp_path / "digits" / "1" / found.files[0]).is_file()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"regions": "boxes:/etc/passwd"}, "give boxes as `boxes`"),
        ({"regions": ""}, "either regions or boxes"),
        ({"kbs": []}, "name at least one revision"),
        ({"baseline": "grey"}, "a baseline is zero"),
        ({"score": "odds"}, "a score is log_odds"),
        ({"objective": "least"}, "mix or additive"),
        ({"alpha": 2.0}, "alpha is a share"),
        ({"nulls": 101}, "nulls are 0 to 100"),
        ({"image": b""}, "no image"),
    ],
)
def test_what_needs_no_work_to_be_refused_is_refused_by_the_call(
    client: Client, png: bytes, changed: dict[str, Any], told: str
) -> None:
    before = client.operations()
    arguments = {"image": png, "kbs": "digits", "regions": "grid:2x2", **changed}
    with pytest.raises(InvalidArgument, match=told):
        client.extract_interactions(**arguments)
    assert client.operations() == before


def test_what_the_work_refuses_is_the_operations_error(client: Client, png: bytes) -> None:
    with pytest.raises(InvalidArgument, match="25 regions are too many"):
        client.extract_interactions(png, "digits", "grid:5x5", baseline="image_mean")


@pytest.mark.parametrize(
    ("changed", "error", "told"),
    [
        ({"regions": "grid:9x9"}, BadOption, "empty tiles"),
        ({"encoded": b"GIF89a"}, BadImage, "no PNG, JPEG or WebP"),
        ({"class_name": "digit_x"}, UnknownClass, "no class named 'digit_x'"),
    ],
)
def test_what_the_work_refuses_stores_nothing(
    repository: Path, png: bytes, changed: dict[str, Any], error: type[Exception], told: str
) -> None:
    directory = repository / "digits" / "1"
    request = ExtractInteractionsRequest(**{"encoded": png, "regions": "grid:2x2", **changed})
    with pytest.raises(error, match=told):
        interactions.stored(request.SerializeToString(), [str(directory)], (), None, Watch())
    assert not (directory / "interactions").exists()
