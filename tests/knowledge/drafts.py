"""A small revision, ready to be published; also run as a program by tests that kill it."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from proofsight_server.knowledge import publication, repository
from proofsight_server.knowledge.label import Label, by_hand
from proofsight_server.knowledge.manifest import Manifest
from proofsight_server.knowledge.repository import Draft, Repository
from proofsight_server.rules.program import (
    ClassHead,
    ExceptionHead,
    Literal,
    Program,
    Rule,
    Unless,
)
from proofsight_server.symbols.feature import Cell, Feature, Layer, Proposition
from proofsight_server.symbols.quantisation import Quantisation

WEIGHTS = b"the weights of a network"

QUANTISATION = Quantisation(
    layers=(Layer("conv3", "features.8", "conv", 8, "features.9"),),
    propositions=(
        Proposition("conv3_c1", "conv3", Feature("conv3", 1), 0.5),
        Proposition("conv3_c2", "conv3", Feature("conv3", 2), 1.25),
        Proposition(
            "conv3_c2_max_g2_r0c1",
            "conv3",
            Feature("conv3", 2, "max", Cell((2, 2), (0, 1))),
            0.10000000149011612,
        ),
    ),
    scales=(0.25, 1.5, 0.125),
    rates=(0.5, 0.25, 0.75),
    aliases=(("conv3_c4", "conv3_c2", False),),
    dropped=("conv3_c0",),
)
PROGRAM = Program(
    rules=(
        Rule(
            "r1",
            ClassHead("digit 1"),
            (Literal("conv3_c1"), Literal("conv3_c2", False), Unless("r1")),
            (("support", 12), ("confidence", 0.75)),
        ),
        Rule("r1_1", ExceptionHead("r1"), (Literal("conv3_c2_max_g2_r0c1"),)),
        Rule("r2", ClassHead("Digit_0"), (Literal("conv3_c2"),), (("support", 3),)),
    ),
    classes=("Digit_0", "digit 1"),
    policy="ordered",
    default="Digit_0",
    class_order=("Digit_0", "digit 1"),
)
FIGURES: dict[str, Any] = {
    "train": {"images": 10, "fidelity": 0.9},
    "rules": 3,
    "seed": 0,
}


def manifest() -> Manifest:
    """A manifest with something in every part."""
    return Manifest(
        created="2025-01-01T00:00:00Z",
        versions={"python": "3.11"},
        classes=PROGRAM.classes,
        model="small-cnn",
        model_options={"widths": [[8], [16]]},
        input_shape=(1, 8, 8),
        preprocessing={"mode": "L", "scale": 1 / 255},
        training={"epochs": 3},
        data={"uri": "digits", "fingerprint": "00", "seed": 0},
        method={"learner": "tree", "seed": 0},
        figures=FIGURES,
    )


def draft() -> Draft:
    """A whole draft."""
    return Draft(
        manifest(),
        QUANTISATION,
        PROGRAM,
        lambda path: void(path.write_bytes(WEIGHTS)),
        labels=(Label("conv3_c1", "left wall", by_hand("ada")),),
    )


def void(_: object) -> None:
    """Forget a value."""


def main(root: str, kill_at: int) -> None:
    """Publish, and be killed without a chance to tidy up at the `kill_at`-th step."""
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1
        if steps == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(owner: object, name: str) -> None:
        original: Callable[..., Any] = getattr(owner, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            step()
            result = original(*args, **kwargs)
            step()
            return result

        setattr(owner, name, wrapped)

    for owner, name in (
        (Path, "mkdir"),
        (Path, "write_bytes"),
        (publication, "sync"),
        (repository, "open_revision"),
        (Path, "rename"),
    ):
        counted(owner, name)
    number = Repository(root).publish("digits", draft()).directory.name
    print(json.dumps({"number": int(number), "steps": steps}), flush=True)


def begun(root: str, kill_at: int) -> tuple[int, int]:
    """`main` in a process of its own: its number, and where to read what it prints."""
    reading, writing = os.pipe()
    child = os.fork()  # no thread has been started here
    if child:
        os.close(writing)
        return child, reading
    status = 1
    try:
        os.dup2(writing, 1)
        main(root, kill_at)
        status = 0
    finally:
        os._exit(status)


def ended(child: int, reading: int) -> dict[str, Any]:
    """What became of it: its return code as `subprocess` has it, and what it printed."""
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return {"returncode": code, **(json.loads(said) if said else {})}


if __name__ == "__main__":
    # Importing takes a second: one process imports for all of a test's. A line is the directory
    # and the steps at which processes that publish there at once are to be killed; 0 is never.
    for line in sys.stdin:
        request = json.loads(line)
        children = [begun(request["root"], step) for step in request["kill_at"]]
        print(json.dumps([ended(*child) for child in children]), flush=True)
