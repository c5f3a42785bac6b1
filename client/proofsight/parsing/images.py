"""What a server read off images: facts and predictions."""

from __future__ import annotations

from collections.abc import Iterable

from proofsight.facts import Facts, Prediction, Region
from proofsight.v1 import facts_pb2


def predictions(messages: Iterable[facts_pb2.Prediction]) -> tuple[Prediction, ...]:
    """The network's classes by falling probability."""
    return tuple(Prediction(message.class_name, message.probability) for message in messages)


def region(message: facts_pb2.Region) -> Region:
    """A rectangle of the input."""
    return Region(message.left, message.top, message.right, message.bottom)


def facts(message: facts_pb2.ImageFacts) -> Facts:
    """What the network saw in one image."""
    return Facts(
        propositions=tuple(message.propositions),
        values=tuple(message.values),
        predictions=predictions(message.predictions),
        regions=tuple(map(region, message.regions)),
        revision=message.revision,
        quantiser_etag=message.quantiser_etag,
        measured=tuple(zip(message.measured_propositions, message.measured_values, strict=True)),
    )


def facts_message(value: Facts) -> facts_pb2.ImageFacts:
    """The inverse of `facts`."""
    return facts_pb2.ImageFacts(
        revision=value.revision,
        quantiser_etag=value.quantiser_etag,
        propositions=value.propositions,
        values=value.values,
        predictions=[
            facts_pb2.Prediction(class_name=name, probability=share)
            for name, share in value.predictions
        ],
        regions=[
            facts_pb2.Region(left=r.left, top=r.top, right=r.right, bottom=r.bottom)
            for r in value.regions
        ],
        measured_propositions=[name for name, _ in value.measured],
        measured_values=[number for _, number in value.measured],
    )
