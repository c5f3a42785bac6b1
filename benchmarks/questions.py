"""The questions that latency and soak ask: why, from the facts of held-out digits."""

from __future__ import annotations

from typing import Any, cast

import grpc
import numpy as np
import numpy.typing as npt

from proofsight.v1 import (
    explanations_pb2,
    explanations_pb2_grpc,
    facts_pb2,
    facts_pb2_grpc,
    image_pb2,
)
from proofsight_server.vision.dataset import open_dataset

Explaining = grpc.aio.UnaryUnaryMultiCallable[
    explanations_pb2.ExplainRequest, explanations_pb2.ExplainResponse
]
NAME = "knowledgeBases/digits"


def questions(address: str, count: int = 50) -> list[explanations_pb2.ExplainRequest]:
    """Requests to explain the decisions on the first `count` test images, from their facts."""
    images = open_dataset("digits").test.images
    with grpc.insecure_channel(address) as channel:
        stub = facts_pb2_grpc.FactsStub(channel)
        return [
            explanations_pb2.ExplainRequest(
                name=NAME,
                subject=explanations_pb2.Subject(
                    facts=stub.TranslateImage(
                        facts_pb2.TranslateImageRequest(name=NAME, image=_pixels(images[index]))
                    ).facts
                ),
            )
            for index in range(count)
        ]


def _pixels(image: npt.NDArray[np.uint8]) -> image_pb2.Image:
    return image_pb2.Image(
        tensor=image_pb2.Tensor(
            data_type=image_pb2.DATA_TYPE_UINT8, shape=image.shape, data=image.tobytes()
        )
    )


def explaining(channel: grpc.aio.Channel) -> Explaining:
    """The call itself, on an asynchronous channel."""
    stub: Any = explanations_pb2_grpc.ExplanationsStub(channel)
    return cast(Explaining, stub.Explain)
