"""What a question is about: images into tensors, facts off the wire into rows of values."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from proofsight.v1 import explanations_pb2, facts_pb2, image_pb2
from proofsight_server.errors import BadFacts, BadImage, BadTensor
from proofsight_server.reasoning.facts import FactsFrame
from proofsight_server.serving.hosting import Host
from proofsight_server.symbols.feature import Floats
from proofsight_server.vision.probe import Observation

IMAGE = "img"  # the atom that stands for the one image of a request
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Subject:
    """One image's facts: `values` (p,) in the revision's order, NaN where unobserved.

    `predictions` are (class, probability) by falling probability; `regions` maps the name of
    a proposition to (left, top, right, bottom) as shares of the network's input.  `measured` are
    the values of propositions above the entry layer, which are told and never decide.
    """

    values: Floats
    predictions: tuple[tuple[str, float], ...]
    regions: Mapping[str, Box]
    measured: tuple[tuple[str, float], ...] = ()

    def frame(self) -> FactsFrame:
        """The facts as the Prolog workers get them."""
        return FactsFrame(IMAGE, self.values, self.predictions, self.measured)


async def tensor(host: Host, image: image_pb2.Image, *, batch: bool = False) -> torch.Tensor:
    """The network's input for an image message, (n, c, h, w); n = 1 unless `batch`.

    Decoding and preprocessing happen in a thread. Raises BadImage, BadTensor.
    """
    kind = image.WhichOneof("kind")
    if kind == "encoded":
        return await asyncio.to_thread(host.pixels, image.encoded)
    if kind is None:
        raise BadImage("the request carries no image; set `encoded` or `tensor`")
    return await _numbers(host, image.tensor, batch)


async def _numbers(host: Host, message: image_pb2.Tensor, batch: bool) -> torch.Tensor:
    shape = tuple(message.shape)
    types = {image_pb2.DATA_TYPE_UINT8: np.uint8, image_pb2.DATA_TYPE_FLOAT32: np.float32}
    if message.data_type not in types:
        raise BadTensor(
            f"data_type {message.data_type} is not known; use DATA_TYPE_UINT8 or DATA_TYPE_FLOAT32",
            field="subject.image.tensor.data_type",
            data_type=message.data_type,
        )
    if len(shape) not in ((3, 4) if batch else (3,)) or min(shape, default=0) < 1:
        raise BadTensor(
            f"a tensor of shape {shape} where {'3 or 4' if batch else '3'} axes of at least 1 "
            "are needed: (channels, height, width) float32, or (height, width, channels) uint8",
            field="subject.image.tensor.shape",
            shape=shape,
        )
    dtype = np.dtype(types[message.data_type])
    expected = math.prod(shape) * dtype.itemsize
    if len(message.data) != expected:
        raise BadTensor(
            f"{len(message.data)} bytes of data where shape {shape} of {dtype} needs {expected}",
            field="subject.image.tensor.data",
            bytes=len(message.data),
            expected=expected,
        )
    array = np.frombuffer(message.data, dtype).reshape(shape)
    if array.ndim == 3:
        array = array[None]
    if dtype == np.uint8:
        return host.fitting(await asyncio.to_thread(_preprocess, host, array))
    return await asyncio.to_thread(_finite, host.fitting(torch.from_numpy(array.copy())))


def _finite(batch: torch.Tensor) -> torch.Tensor:
    # One pass; only a sum that is not finite, or overflows, is worth a closer look.
    if not math.isfinite(float(batch.sum())) and not bool(torch.isfinite(batch).all()):
        raise BadTensor(
            "the tensor has values that are not finite; send finite float32 numbers",
            field="subject.image.tensor.data",
        )
    return batch


def _preprocess(host: Host, pixels: np.ndarray) -> torch.Tensor:
    """uint8 NHWC pixels through the revision's preprocessing."""
    preprocessing = host.network.preprocessing
    channels = 1 if preprocessing.mode == "L" else 3
    if pixels.shape[3] != channels:
        raise BadTensor(
            f"{pixels.shape[3]} channels in the last axis of uint8 pixels where the network's "
            f"mode {preprocessing.mode} needs {channels}",
            field="subject.image.tensor.shape",
            shape=pixels.shape,
        )
    return preprocessing(pixels)


def seen(host: Host, observation: Observation, index: int, predictions: int) -> Subject:
    """The subject for one image of an observation."""
    regions: dict[str, Box] = {}
    if observation.regions is not None:
        boxes: Sequence[Box] = observation.regions[index].tolist()
        regions = dict(zip(host.propositions, boxes, strict=True))
    return Subject(
        observation.values[index], ranked(host, observation, index, predictions), regions
    )


def ranked(
    host: Host, observation: Observation, index: int, predictions: int
) -> tuple[tuple[str, float], ...]:
    """The network's most probable classes; the decision comes first, also on a tie."""
    probabilities = observation.probabilities[index]
    order = np.argsort(-probabilities, kind="stable")[:predictions].tolist()
    classes = host.network.classes
    return tuple((classes[place], float(probabilities[place])) for place in order)


def given(host: Host, facts: facts_pb2.ImageFacts) -> Subject:
    """The subject behind facts of an earlier answer. Raises BadFacts."""
    etag = host.revision.quantiser_etag
    if facts.quantiser_etag and facts.quantiser_etag != etag:
        raise BadFacts(
            f"the facts are of quantiser {facts.quantiser_etag}, and {host.name} has {etag}; "
            "translate the image again",
            field="subject.facts.quantiser_etag",
            given=facts.quantiser_etag,
            expected=etag,
        )
    names: Sequence[str] = facts.propositions or host.propositions
    if len(facts.values) != len(names):
        raise BadFacts(
            f"{len(facts.values)} values for {len(names)} propositions; send one for each",
            field="subject.facts.values",
            values=len(facts.values),
            propositions=len(names),
        )
    sent = np.fromiter(facts.values, np.float32, len(names))
    if not np.isfinite(sent).all():
        place = int(np.flatnonzero(~np.isfinite(sent))[0])
        raise BadFacts(
            f"the value of {names[place]} is {sent[place]}; leave out what was not observed",
            field="subject.facts.values",
            proposition=names[place],
        )
    if names is host.propositions or tuple(names) == host.propositions:
        values = sent
    else:
        values = _scattered(host, names, sent)
    _check_predictions(host, facts)
    regions = {
        name: (box.left, box.top, box.right, box.bottom)
        for name, box in zip(names, facts.regions, strict=False)
    }
    predictions = tuple((p.class_name, p.probability) for p in facts.predictions)
    return Subject(values, predictions, regions, _measured(host, facts))


def _measured(host: Host, facts: facts_pb2.ImageFacts) -> tuple[tuple[str, float], ...]:
    names, values = facts.measured_propositions, facts.measured_values
    if len(names) != len(values):
        raise BadFacts(
            f"{len(values)} measured values for {len(names)} measured propositions; send one for "
            "each",
            field="subject.facts.measured_values",
        )
    for name, value in zip(names, values, strict=True):
        if host.column(name) is None or not math.isfinite(value):
            raise BadFacts(
                f"the measured value {value} of {name!r} is not that of an observable proposition "
                f"of {host.name}; leave it out",
                field="subject.facts.measured_propositions",
                proposition=name,
            )
    return tuple(zip(names, values, strict=True))


def _scattered(host: Host, names: Sequence[str], sent: Floats) -> Floats:
    values = np.full(len(host.propositions), np.nan, np.float32)
    for name, value in zip(names, sent, strict=True):
        column = host.column(name)
        if column is None:
            raise BadFacts(
                f"{name!r} is no observable proposition of {host.name}",
                field="subject.facts.propositions",
                proposition=name,
            )
        if not np.isnan(values[column]):
            raise BadFacts(
                f"{name!r} is given twice",
                field="subject.facts.propositions",
                proposition=name,
            )
        values[column] = value
    lacking = host.partly(values)
    if lacking is not None:
        raise BadFacts(
            f"{lacking} is missing, and other values of its layer are given; give all values of "
            "a layer, or none",
            field="subject.facts.propositions",
            proposition=lacking,
        )
    return values


def _check_predictions(host: Host, facts: facts_pb2.ImageFacts) -> None:
    for prediction in facts.predictions:
        if prediction.class_name not in host.revision.program.classes:
            raise BadFacts(
                f"{prediction.class_name!r} is no class of {host.name}",
                field="subject.facts.predictions",
                class_name=prediction.class_name,
            )


def entered(host: Host, subject: Subject, entry: str) -> Subject:
    """The subject of a question that is entered at a layer; as it is where `entry` is empty.

    Values above that layer are measured, and those of it and of layers below it observed,
    whichever of the two they were.
    Raises UnknownLayer, BadOption, and BadFacts for facts without values of the layer.
    """
    if not entry:
        return subject
    observed = host.observed(entry)
    known = subject.values.copy()
    for name, value in subject.measured:
        known[host.column(name)] = value
    given = ~np.isnan(known)
    lacking = next((n for n in host.of_layer(entry) if not given[host.column(n)]), None)
    if lacking is not None:
        raise BadFacts(
            f"the question is entered at {entry}, but its facts have no value of {lacking}; give "
            "the values of that layer, or the image",
            field="subject.facts.values",
            proposition=lacking,
        )
    above = [
        (host.propositions[column], float(known[column]))
        for column in np.flatnonzero(given & ~observed)
    ]
    values = np.where(observed, known, np.float32(np.nan))
    return replace(subject, values=values, measured=tuple(above))


async def subject(
    host: Host,
    message: explanations_pb2.Subject,
    *,
    regions: bool,
    predictions: int,
    entry: str = "",
) -> Subject:
    """The facts a question is about, from its image or as given, entered at a layer."""
    kind = message.WhichOneof("kind")
    if kind == "facts":
        return entered(host, given(host, message.facts), entry)
    if kind == "image":
        if entry:
            host.observed(entry)  # refuses what it must before the network is run
        batch = await tensor(host, message.image)
        found = seen(host, await host.observe(batch, regions=regions), 0, predictions)
        return entered(host, found, entry)
    raise BadImage("the request has no subject; set `subject.image` or `subject.facts`")
