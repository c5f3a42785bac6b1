"""What a question is about."""

from __future__ import annotations

from typing import Final

from proofsight import parsing
from proofsight.errors import InvalidArgument
from proofsight.facts import Facts
from proofsight.image import Subject, image_message
from proofsight.names import resource
from proofsight.v1 import explanations_pb2

SUBJECT_FIELD: Final = explanations_pb2.ExplainRequest.SUBJECT_FIELD_NUMBER
_LENGTH_DELIMITED: Final = 2


def name_of(kb: str | None, image: Subject | None) -> str:
    """The resource name of `kb` or, where it is left out, the revision that facts are of.

    Raises InvalidArgument.
    """
    if kb is not None:
        return resource(kb)
    if isinstance(image, Facts) and image.revision:
        return image.revision
    raise InvalidArgument(
        "which knowledge base? pass kb=, such as kb='digits'; only facts that a server gave name "
        "their own",
        "INVALID_ARGUMENT",
        "BAD_OPTION",
        {"field": "kb"},
    )


def subject_field(image: Subject) -> bytes:
    """The encoded field `subject` of a request, to be appended to the rest of the message.

    Messages that follow each other merge, says the encoding; so a large image is not copied
    from message to message, and facts are encoded once, however often they are asked about.
    """
    if not isinstance(image, Facts):
        return _field(SUBJECT_FIELD, explanations_pb2.Subject(image=image_message(image)))
    if not image._encoded:
        subject = explanations_pb2.Subject(facts=parsing.facts_message(image))
        object.__setattr__(image, "_encoded", _field(SUBJECT_FIELD, subject))
    return image._encoded


def _field(number: int, message: explanations_pb2.Subject) -> bytes:
    body = message.SerializeToString()
    head = bytearray([number << 3 | _LENGTH_DELIMITED])
    size = len(body)
    while size > 0x7F:
        head.append(size & 0x7F | 0x80)
        size >>= 7
    head.append(size)
    return bytes(head) + body
