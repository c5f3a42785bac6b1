"""`proofsight facts` and `proofsight classify`: what is seen in images, and what is made of it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from itertools import islice
from typing import Any, Final, TypeVar

from proofsight.answers import Classification
from proofsight.cli import REFUSED, pictures
from proofsight.cli.printing import print_json, print_json_list, print_spans, say
from proofsight.cli.refusals import document, explain
from proofsight.cli.session import connect, knowledge_base
from proofsight.client import Client
from proofsight.errors import InvalidArgument
from proofsight.facts import Facts
from proofsight.knowledge import Proposition
from proofsight.names import short
from proofsight.rendering.atoms import comment, float_text, quote
from proofsight.rendering.numbers import compared, number

WORTH_TELLING: Final = 0.001
AT_ONCE: Final = 8  # questions under way, so that the server can batch them
T = TypeVar("T")
Answers = Iterator[tuple[str, T | Exception]]


def facts(args: argparse.Namespace) -> int:
    """Print the facts of images, in their order."""
    names = list(pictures.expand(args.images))
    with connect(args) as client:
        kb = knowledge_base(client, args)
        answers: Answers[Facts]
        if pictures.is_single(args.images):
            answer = client.facts(pictures.read(names[0]), kb, entry=args.entry)
            answers = iter([(names[0], answer)])
        else:
            answers = _streamed(client, names, kb, args.entry)
        if args.form == "tree":
            return _print(args, answers, _FactsForPeople(client).show)
        return _print(args, answers, _facts_as_prolog)


def _streamed(client: Client, names: list[str], kb: str, entry: str) -> Answers[Facts]:
    """The facts of files over one stream; a refused file is answered by an error in its place."""
    images = (pictures.read(name) if name == pictures.STDIN else name for name in names)
    stream = client.facts_stream(images, kb, return_errors=True, entry=entry)
    return zip(names, stream, strict=True)


def _facts_as_prolog(name: str, answer: Facts, single: bool) -> None:
    print(comment(f"file: {name}"))
    print(answer.to_prolog("img" if single else name), end="")


class _FactsForPeople:
    """Prints facts beside the thresholds and labels of their revision, asked for once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._propositions: dict[str, dict[str, Proposition]] = {}

    def show(self, name: str, answer: Facts, single: bool) -> None:
        """Print the facts of one image."""
        if answer.revision not in self._propositions:
            revision = self._client.revision(answer.revision)
            self._propositions[answer.revision] = {p.name: p for p in revision.propositions}
        known = self._propositions[answer.revision]
        print_spans([(name, "bold"), (f"  {short(answer.revision)}", "dim")])
        print_spans([("  network: ", ""), (_network(answer), "bold")])
        width = max(map(len, answer.propositions), default=0)
        told = [(*pair, "") for pair in zip(answer.propositions, answer.values, strict=False)]
        told += [(*pair, "  (measured only)") for pair in answer.measured]
        for proposition, value, standing in told:
            about = known.get(proposition)
            if about is None:
                print(f"  {proposition:<{width}}  {number(value)}{standing}")
                continue
            active = value > about.threshold
            left, right = compared(value, about.threshold)
            line = f"  {proposition:<{width}}  {left} {'>' if active else '≤'} {right}{standing}"
            label = f"  ['{about.label}']" if about.label else ""
            print_spans([(line, "green" if active else "dim"), (label, "cyan")])


def _network(answer: Facts | Classification) -> str:
    """The network's first class, and the next two where there is anything to them."""
    said = [
        f"{name} {share:.3f}"
        for rank, (name, share) in enumerate(answer.predictions[:3])
        if rank == 0 or share >= WORTH_TELLING
    ]
    return ", ".join(said) or "unknown"


# --- classify ---------------------------------------------------------------


def classify(args: argparse.Namespace) -> int:
    """Print what network and program say of images, in their order."""
    names = list(pictures.expand(args.images))
    # The client is closed first, so that no thread waits for an answer that nobody wants.
    with ThreadPoolExecutor(AT_ONCE) as threads, connect(args) as client:
        kb = cache(lambda: knowledge_base(client, args))

        def ask(name: str) -> Classification:
            subject = pictures.subject(name)
            own = not args.kb and isinstance(subject, Facts) and bool(subject.revision)
            return client.classify(subject, None if own else kb(), entry=args.entry)

        if pictures.is_single(args.images):
            answers: Answers[Classification] = iter([(names[0], ask(names[0]))])
        else:
            answers = _abreast(threads, ask, names)
        return _print(
            args,
            answers,
            _classification_as_prolog if args.form == "prolog" else _classification_for_people,
        )


def _abreast(
    threads: ThreadPoolExecutor, ask: Callable[[str], T], names: Iterable[str]
) -> Answers[T]:
    """The answers in the order of the names, a few of them under way at a time."""
    left = iter(names)
    waiting: list[tuple[str, Future[T]]] = [
        (name, threads.submit(ask, name)) for name in islice(left, AT_ONCE)
    ]
    while waiting:
        name, future = waiting.pop(0)
        error = future.exception()
        yield name, error if isinstance(error, Exception) else future.result()
        waiting += [(new, threads.submit(ask, new)) for new in islice(left, 1)]


def _classification_for_people(name: str, answer: Classification, single: bool) -> None:
    verdict = {
        True: ("agree", "green"),
        False: ("disagree", "red"),
        None: ("the network's word is not known", "dim"),
    }[answer.agrees]
    print_spans(
        [
            (name, "bold"),
            (f"  program: {answer.decision}  network: {_network(answer)}  ", ""),
            verdict,
        ]
    )


def _classification_as_prolog(name: str, answer: Classification, single: bool) -> None:
    image = quote("img" if single else name)
    print(comment(f"file: {name}"))
    print(comment(f"revision: {answer.revision}"))
    print(comment(f"etag: {answer.etag}"))
    for class_name, share in answer.predictions:
        print(f"predicted({image}, {quote(class_name)}, {float_text(share)}).")
    if answer.decision.class_name is not None:
        print(f"decision({image}, {quote(answer.decision.class_name)}).")


# --- one answer, or several -------------------------------------------------


def _print(
    args: argparse.Namespace, answers: Answers[Any], show: Callable[[str, Any, bool], None]
) -> int:
    """Print the answers; a refused image is told of and makes the exit code 1."""
    single = pictures.is_single(args.images)
    refused = False

    def documents() -> Iterator[dict[str, Any]]:
        nonlocal refused
        for name, answer in answers:
            if isinstance(answer, Exception):
                refused = True
                yield {"image": name, "error": _tell(name, answer)}
            else:
                yield {"image": name, **answer.to_dict()}

    if args.form == "json":
        if single:
            print_json(next(documents()))
        else:
            args.answered = True
            print_json_list(documents())
        return REFUSED if refused else 0
    for name, answer in answers:
        if isinstance(answer, Exception):
            refused = True
            _tell(name, answer)
        else:
            show(name, answer, single)
    return REFUSED if refused else 0


def _tell(name: str, error: Exception) -> dict[str, object]:
    """Say why an image was refused, and give that as JSON; what is no fault of it is raised."""
    lines = explain(error)
    if lines is None or not isinstance(error, InvalidArgument | OSError):
        raise error
    for line in lines:
        say(f"error: {line if name in line else f'{name}: {line}'}")
    return document(error)
