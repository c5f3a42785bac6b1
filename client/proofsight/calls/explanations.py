"""Questions about decisions."""

from __future__ import annotations

from typing import Final, Literal

from proofsight import parsing
from proofsight.answers import Classification, QuerySummary, Solution, Why
from proofsight.calls.shapes import Streamed, Unary
from proofsight.calls.subjects import name_of, subject_field
from proofsight.errors import InvalidArgument
from proofsight.flip import Flip
from proofsight.image import Subject
from proofsight.v1 import explanations_pb2

EXPLANATIONS: Final = "/proofsight.v1.Explanations"


def classify(
    image: Subject, kb: str | None = None, *, entry: str = "", timeout: float | None = None
) -> Unary[Classification]:
    """What the network says and what the program says of an image, without a proof.

    `image`, `kb` and `entry` are as in `why`, and so are the errors.
    """
    message = explanations_pb2.ClassifyRequest(name=name_of(kb, image), entry=entry)
    return Unary(
        f"{EXPLANATIONS}/Classify",
        message.SerializeToString() + subject_field(image),
        lambda data: parsing.classification(explanations_pb2.ClassifyResponse.FromString(data)),
        timeout,
    )


def why(
    image: Subject,
    kb: str | None = None,
    class_name: str | None = None,
    goal: str | None = None,
    *,
    max_nodes: int = 0,
    with_facts: bool = False,
    with_regions: bool = False,
    entry: str = "",
    whole: bool = False,
    with_interactions: bool = False,
    timeout: float | None = None,
) -> Unary[Why]:
    """Why the program decided as it did, why a class holds, or why a goal holds.

    Where it does not hold, the answer has `holds` False and the refutation as its proof. A goal
    with variables is explained with the values of its first solution.

    Parameters
    ----------
    image
        A path, the bytes of a PNG, JPEG or WebP file, an array, or facts of an earlier answer.
        Arrays are uint8 pixels, (height, width) or (height, width, channels), such as a Pillow
        image of mode L or RGB, or the network's own input in float32, (channels, height, width).
    kb
        `digits` (its newest revision) or `digits/3`; with facts it may be left out.
    class_name, goal
        What to explain, one of them at most; the variable `Image` of a goal is the image.
        Neither: the program's own decision.
    max_nodes
        Most nodes of the proof; 0: the server's limit.
    with_facts
        Whether the answer carries the facts, for further questions without the image.
    with_regions
        Whether evidence says where in the image a value comes from.
    entry
        The layer, by its atom or path, at which the network ends and the program begins: what lies
        above it is derived by rules. Empty: every layer that has values is observed.
    whole
        Whether the refutation of a class has all its rules and points. Else it has those that come
        nearest to deciding, and `Node.left_out` says how many more there are.
    with_interactions
        Whether the answer has `interactions`, too: how scores of this image are the sums of
        interactions between its regions, where the revision has them stored.

    Raises
    ------
    UnknownClass, UnknownKnowledgeBase, UnknownLayer, UnknownRevision
        A name that the server does not have.
    BadGoal, UnsafeGoal
        A goal that does not parse, or that calls what it may not.
    BadImage, BadTensor, BadFacts
        An image or facts that do not fit.
    InferenceLimit, MemoryLimit, DeadlineExceeded
        It takes more than it may.
    InvalidArgument
        Both a class and a goal, or no knowledge base for what is no facts of a server.
    OSError
        A path that cannot be read.
    """
    if class_name is not None and goal is not None:
        raise InvalidArgument(
            f"why takes class_name ({class_name!r}) or goal ({goal!r}), not both",
            "INVALID_ARGUMENT",
            "BAD_OPTION",
            {"field": "target"},
        )
    return _explain(
        "why",
        image,
        kb,
        class_name,
        goal,
        max_nodes,
        with_facts,
        with_regions,
        entry,
        whole,
        with_interactions,
        timeout,
    )


def why_not(
    image: Subject,
    class_name: str,
    kb: str | None = None,
    *,
    max_nodes: int = 0,
    with_facts: bool = False,
    with_regions: bool = False,
    entry: str = "",
    whole: bool = False,
    with_interactions: bool = False,
    timeout: float | None = None,
) -> Unary[Why]:
    """Why a class was not inferred: its refutation. As `why`, but for the heading of the text."""
    return _explain(
        "why_not",
        image,
        kb,
        class_name,
        None,
        max_nodes,
        with_facts,
        with_regions,
        entry,
        whole,
        with_interactions,
        timeout,
    )


def _explain(
    asked: Literal["why", "why_not"],
    image: Subject,
    kb: str | None,
    class_name: str | None,
    goal: str | None,
    max_nodes: int,
    with_facts: bool,
    with_regions: bool,
    entry: str,
    whole: bool,
    with_interactions: bool,
    timeout: float | None,
) -> Unary[Why]:
    message = explanations_pb2.ExplainRequest(
        name=name_of(kb, image),
        class_name=class_name,
        goal=goal,
        max_nodes=max_nodes,
        with_facts=with_facts,
        with_regions=with_regions,
        entry=entry,
        whole=whole,
        with_interactions=with_interactions,
    )

    def read(data: bytes) -> Why:
        answer = explanations_pb2.ExplainResponse.FromString(data)
        return Why(
            answer.revision,
            answer.etag,
            parsing.decision(answer.decision),
            parsing.predictions(answer.predictions),
            answer.holds,
            parsing.proof(answer.proof),
            parsing.facts(answer.facts) if answer.HasField("facts") else None,
            asked,
            tuple(map(parsing.interaction_sum, answer.interactions)),
        )

    return Unary(
        f"{EXPLANATIONS}/Explain", message.SerializeToString() + subject_field(image), read, timeout
    )


def flip(
    image: Subject,
    kb: str | None = None,
    class_name: str | None = None,
    *,
    max_steps: int = 0,
    max_inferences: int = 0,
    entry: str = "",
    timeout: float | None = None,
) -> Unary[Flip]:
    """The fewest observed propositions whose change makes the program decide otherwise.

    The answer is exact, unless a limit ended the search, and was found right by deciding again.
    Propositions of one feature change as its value can: never above its higher threshold and not
    above its lower one.

    Parameters
    ----------
    image, kb
        As in `why`.
    class_name
        The class that is to be decided; None: any other decision than the program's own, also that
        nothing is decided.
    max_steps, max_inferences
        Most steps of the search, and inferences; 0: the server's limits, which also bound them
        from above.
    entry
        As in `why`.

    Raises
    ------
    UnknownClass, UnknownKnowledgeBase, UnknownLayer, UnknownRevision
        A name that the server does not have.
    BadImage, BadTensor, BadFacts
        An image or facts that do not fit.
    InvalidArgument, OSError
        As in `why`.
    """
    message = explanations_pb2.FlipRequest(
        name=name_of(kb, image),
        class_name=class_name or "",
        max_steps=max_steps,
        max_inferences=max_inferences,
        entry=entry,
    )
    return Unary(
        f"{EXPLANATIONS}/Flip",
        message.SerializeToString() + subject_field(image),
        lambda data: parsing.flip(explanations_pb2.FlipResponse.FromString(data), class_name),
        timeout,
    )


def query(
    goal: str,
    image: Subject | None = None,
    kb: str | None = None,
    *,
    max_solutions: int = 0,
    max_inferences: int = 0,
    with_proofs: bool = False,
    entry: str = "",
    timeout: float | None = None,
) -> Streamed[Solution | QuerySummary]:
    """The solutions of a Prolog goal, one by one as they are found.

    Parameters
    ----------
    goal
        Without the final full stop; the variable `Image` is the image.
    image
        As in `why`; None for goals that need no image.
    max_solutions, max_inferences
        0: the server's limits, which also bound them from above.
    with_proofs
        Whether each solution comes with its proof.
    entry
        As in `why`.

    Raises
    ------
    BadGoal, UnsafeGoal, InferenceLimit, MemoryLimit, DeadlineExceeded
        While solutions are read, not before; so are what the server says of image and names, as in
        `why`.
    BadImage, BadTensor, InvalidArgument, OSError
        At once, where the image cannot be sent, or no knowledge base is named.
    """
    message = explanations_pb2.QueryRequest(
        name=name_of(kb, image),
        goal=goal,
        max_solutions=max_solutions,
        max_inferences=max_inferences,
        with_proofs=with_proofs,
        entry=entry,
    )

    def read(data: bytes) -> Solution | QuerySummary:
        answer = explanations_pb2.QueryResponse.FromString(data)
        if answer.HasField("summary"):
            return parsing.summary(answer.summary)
        return parsing.solution(answer.solution)

    subject = b"" if image is None else subject_field(image)
    return Streamed(f"{EXPLANATIONS}/Query", message.SerializeToString() + subject, read, timeout)
