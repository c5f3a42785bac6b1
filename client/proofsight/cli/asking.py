"""`proofsight why`, `why-not` and `query`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from typing import Any

from proofsight.answers import Solution, Why
from proofsight.cli import pictures
from proofsight.cli.printing import line_spans, print_json, print_spans, say
from proofsight.cli.session import class_name, connect, knowledge_base
from proofsight.client import Client
from proofsight.facts import Facts
from proofsight.proof import Proof
from proofsight.rendering.atoms import quote
from proofsight.rendering.text import heading, lines


def why(args: argparse.Namespace) -> int:
    """Print the proof of the decision, of a class, or of a goal."""
    subject = pictures.subject(args.image)
    with connect(args) as client:
        kb = kb_of(client, args, subject)
        target = target_of(client, args, subject, kb)
        answer = client.why(
            subject,
            kb,
            target,
            args.goal,
            max_nodes=args.max_nodes,
            entry=args.entry,
            whole=args.whole,
            with_interactions="interactions" in args.with_,
        )
    _print_why(args, answer)
    if args.with_ and not answer.interactions:
        say(
            "no interactions of this image are stored in the revision; proofsight interactions "
            "--store makes them"
        )
    return 0


def why_not(args: argparse.Namespace) -> int:
    """Print the refutation of a class."""
    subject = pictures.subject(args.image)
    with connect(args) as client:
        kb = kb_of(client, args, subject)
        target = target_of(client, args, subject, kb)
        answer = client.why_not(
            subject,
            target or "",
            kb,
            max_nodes=args.max_nodes,
            entry=args.entry,
            whole=args.whole,
        )
    _print_why(args, answer)
    return 0


def _print_why(args: argparse.Namespace, answer: Why) -> None:
    if args.form == "json":
        print_json({"image": args.image, **answer.to_dict()})
    elif args.form == "prolog":
        print(f"{answer.proof.to_prolog()}.")
        for one in answer.interactions:
            print(f"{one.proof.to_prolog()}.")
    else:
        above = heading(answer.asked, answer.holds)
        if above:
            print(above)
        _print_tree(answer.proof)
        _tell_what_is_left_out(answer)
        _tell_disagreement(answer)
        for one in answer.interactions:
            print(f"\n{one.heading}")
            _print_tree(one.proof)


def _print_tree(proof: Proof) -> None:
    for line in lines(proof):
        print_spans(line_spans(line))


def _tell_what_is_left_out(answer: Why) -> None:
    if not answer.holds and any(node.left_out for node in answer.proof.nodes):
        say("--whole shows what is left out; --class C or --goal G asks about a part of it")


def _tell_disagreement(answer: Why) -> None:
    """A program that decides other than its network explains itself and not the network."""
    if answer.predictions and answer.predictions[0].class_name != answer.decision.class_name:
        network = answer.predictions[0]
        say(
            f"the network itself says {network.class_name} ({network.probability:.3f}); "
            f"the program says {answer.decision}"
        )


def query(args: argparse.Namespace) -> int:
    """Print the solutions of a goal as they are found."""
    subject = None if args.image is None else pictures.subject(args.image)
    with connect(args) as client:
        kb = kb_of(client, args, subject)
        with client.query(
            args.goal,
            subject,
            kb,
            max_solutions=args.max_solutions,
            with_proofs=args.proofs,
            entry=args.entry,
        ) as solutions:
            if args.form == "json":
                found = [solution.to_dict() for solution in solutions]
            else:
                for solution in solutions:
                    _print_solution(args, solution)
        summary = solutions.summary
    if summary is None:
        raise RuntimeError("a query ended without its summary")
    if args.form == "json":
        document: dict[str, Any] = {"goal": args.goal, "solutions": found}
        print_json({**document, "summary": summary.to_dict()})
    elif args.form == "tree" and not summary.solutions:
        print("false")
        _tell_who_is_meant(args)
    if summary.more and args.form != "json":
        say(f"there may be more than these {summary.solutions} solutions; see --max-solutions")
    return 0


def _tell_who_is_meant(args: argparse.Namespace) -> None:
    """A goal about `image`, or about nothing, is false and not wrong."""
    speaks_of_it = re.search(r"\b(Image|img)\b", args.goal) is not None
    if args.image is not None and not speaks_of_it:
        say("the goal does not speak of the image: write the variable `Image` where it is meant")
    elif args.image is None and speaks_of_it:
        say("no image was given, so nothing is known of one")


def _print_solution(args: argparse.Namespace, solution: Solution) -> None:
    if args.form == "prolog":
        bindings = ",".join(_bindings(solution))
        proof = f", {solution.proof.to_prolog()}" if solution.proof is not None else ""
        print(f"solution([{bindings}]{proof}).")
        return
    print(solution)
    if solution.proof is not None:
        _print_tree(solution.proof)


def _bindings(solution: Solution) -> Iterator[str]:
    for name, value in solution.bindings.items():
        yield f"{quote(name)}=({value})"


def kb_of(client: Client, args: argparse.Namespace, subject: bytes | Facts | None) -> str | None:
    """`--kb`, the one that facts name themselves (None), or the only one of the server."""
    if not args.kb and isinstance(subject, Facts) and subject.revision:
        return None
    return knowledge_base(client, args)


def target_of(
    client: Client, args: argparse.Namespace, subject: bytes | Facts, kb: str | None
) -> str | None:
    """The class that `--class` names, by name or by index; None where there is no `--class`."""
    if args.class_name is None:
        return None
    revision = kb if kb is not None or not isinstance(subject, Facts) else subject.revision
    return class_name(client, revision or "", args.class_name)
