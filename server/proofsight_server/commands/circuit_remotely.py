"""A circuit that a server finds and stores, and two that it compares."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from proofsight_server.commands.circuit_telling import tell, tell_compared
from proofsight_server.commands.outcome import REFUSED, print_json
from proofsight_server.commands.progress import shown

if TYPE_CHECKING:
    from proofsight.client import Client
    from proofsight.operation import Operation, OperationProgress

# What a circuit's files are, as the command names them where the repository is at hand.
_KINDS = {
    "npz": "scores",
    "json": "report",
    "dot": "dot",
    "svg": "picture",
    "html": "page",
    "pl": "facts",
}


def circuit_remotely(args: argparse.Namespace) -> int:
    """Have a server find it, tell how far it is, and what it found; Ctrl-C cancels the work."""
    from proofsight_server.commands.circuit import circuit_options

    options = circuit_options(args)  # refused here, without a round trip
    with _asking(args) as (client, told):
        circuit = client.extract_circuit(
            args.kb,
            options.target,
            keep=float(options.keep),
            criterion=options.criterion,
            loss=options.loss or "",
            head=options.head or "",
            selection=options.selection or "",
            ablation=options.ablation or "",
            images=options.images,
            seed=options.seed,
            split=args.split,
            progress=told,
            timeout=args.timeout,
        )
    files = {_KINDS[path.rpartition(".")[2]]: path for path in circuit.files}
    document: dict[str, Any] = {**circuit.report, "files": files}
    print_json(document) if args.json else tell(document)
    return REFUSED if circuit.collapse else 0


def compared_remotely(args: argparse.Namespace) -> int:
    """Have a server compare two of its circuits, and tell what they share."""
    with _asking(args) as (client, told):
        found = client.compare_circuits(args.kb, *args.compare, progress=told, timeout=args.timeout)
    document = {**found.report, "files": {"page": found.files[0]}}
    print_json(document) if args.json else tell_compared(document)
    return 0


@contextmanager
def _asking(args: argparse.Namespace) -> Iterator[tuple[Client, OperationProgress]]:
    """A client of the server that is named, and what shows how far an operation is."""
    from proofsight.client import Client

    token = os.environ.get("PROOFSIGHT_TOKEN") or None
    with Client(args.server, token=token) as client, shown() as progress:

        def told(operation: Operation) -> None:
            if operation.phase:
                progress(operation.phase, operation.done, operation.total)

        yield client, told
