"""Facts for a stream of images, beside the bare forward of the same batches."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from functools import partial

import grpc
import numpy as np
import torch
from PIL import Image

from benchmarks.figures import Figure, Row, Skipped
from benchmarks.workspace import Workspace
from proofsight.v1 import facts_pb2, facts_pb2_grpc, image_pb2
from proofsight_server.extraction.loading import load_revision_network
from proofsight_server.knowledge.repository import Repository
from proofsight_server.symbols.feature import Floats

ROUNDS = 5
Message = facts_pb2.TranslateImagesRequest


def run(workspace: Workspace) -> list[Row]:
    """ResNet-20 and SqueezeNet with tensors; small-cnn, PNG and JPEG beside them."""
    workspace.digits()
    cases: list[tuple[str, int, int, float | None]] = [("digits", 256, 4, None)]
    rows: list[Row] = []
    if workspace.data is None:
        rows.append(
            Skipped("facts of a stream: ResNet-20, SqueezeNet", "PROOFSIGHT_DATA is not set")
        )
    else:
        weights = workspace.data / "weights"
        workspace.extracted(
            "resnet20", f"npz:{workspace.data / 'cifar10' / 'cifar10_jpeg.npz'}",
            "examples.networks:resnet20", weights / "resnet20_cifar10.pt",
            "--normalize", "imagenet",
        )  # fmt: skip
        workspace.extracted(
            "squeezenet", f"images:{workspace.data / 'imagenet_samples'}",
            "torchvision:squeezenet1_1", weights / "squeezenet1_1_imagenet.pt",
            "--normalize", "imagenet", "--size", "256", "--crop", "224",
        )  # fmt: skip
        cases += [("resnet20", 128, 4, 0.8), ("squeezenet", 32, 4, 0.8)]
    with workspace.server("--allow-model", "examples.networks:resnet20") as (address, _):
        options = (("grpc.max_receive_message_length", -1),)
        with grpc.insecure_channel(address, options) as channel:
            stub = facts_pb2_grpc.FactsStub(channel)
            for kb, batch, count, target in cases:
                rows += _case(workspace, stub, kb, batch, count, target)
    return rows


def _case(
    workspace: Workspace,
    stub: facts_pb2_grpc.FactsStub,
    kb: str,
    batch: int,
    count: int,
    target: float | None,
) -> list[Row]:
    """Images per second of one network: bare forward, tensors, encoded files; sides alternate."""
    revision = Repository(workspace.repository).revision(kb)
    network = load_revision_network(revision, allow=frozenset({"examples.networks:resnet20"}))
    shape = network.input_shape
    batches = np.random.default_rng(0).standard_normal((count, batch, *shape), np.float32)
    tensors = [torch.from_numpy(one) for one in batches]

    def forward() -> None:
        with torch.inference_mode():
            for tensor in tensors:
                network.module(tensor)

    sides: dict[str, Callable[[], None]] = {
        "forward": forward,
        "tensors": lambda: _stream(stub, _tensor_requests(kb, batches)),
    }
    pixels = np.random.default_rng(1).integers(0, 256, (*shape[1:], 3), dtype=np.uint8)
    for form in ("PNG", "JPEG"):
        file = io.BytesIO()
        Image.fromarray(pixels).convert(network.preprocessing.mode).save(file, form)
        sides[form] = partial(_stream_encoded, stub, kb, file.getvalue(), batch * count)
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for round_ in range(ROUNDS + 1):
        for name, work in sides.items():
            start = time.perf_counter()
            work()
            if round_:  # the first round warms up
                rates[name].append(batch * count / (time.perf_counter() - start))
    ratios = tuple(t / f for t, f in zip(rates["tensors"], rates["forward"], strict=True))
    return [
        Figure(f"{kb}: facts of a stream / bare forward, batches of {batch}", ratios, "", target),
        *(
            Figure(f"{kb}: images per second, {name}", tuple(rate), "/s")
            for name, rate in rates.items()
        ),
    ]


def _stream(stub: facts_pb2_grpc.FactsStub, requests: Iterator[Message]) -> None:
    for response in stub.TranslateImages(requests):
        if response.error.reason:
            raise RuntimeError(response.error.message)


def _stream_encoded(stub: facts_pb2_grpc.FactsStub, kb: str, encoded: bytes, count: int) -> None:
    _stream(stub, _encoded_requests(kb, encoded, count))


def _tensor_requests(kb: str, batches: Floats) -> Iterator[Message]:
    for one in batches:
        yield Message(
            name=f"knowledgeBases/{kb}",
            image=image_pb2.Image(
                tensor=image_pb2.Tensor(
                    data_type=image_pb2.DATA_TYPE_FLOAT32, shape=one.shape, data=one.tobytes()
                )
            ),
            omit_propositions=True,
        )


def _encoded_requests(kb: str, encoded: bytes, count: int) -> Iterator[Message]:
    for _ in range(count):
        yield Message(
            name=f"knowledgeBases/{kb}",
            image=image_pb2.Image(encoded=encoded),
            omit_propositions=True,
        )
