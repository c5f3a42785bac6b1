"""A circuit that a server finds and stores."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from proofsight_server.commands.circuit_telling import tell
from proofsight_server.commands.outcome import REFUSED, print_json
from proofsight_server.commands.progress import shown

if TYPE_CHECKING:
    from proofsight.operation import Operation


def circuit_remotely(args: argparse.Namespace) -> int:
    """Have a server find it, tell how far it is, and what it found; Ctrl-C cancels the work."""
    from proofsight.client import Client
    from proofsight_server.commands.circuit import circuit_options

    options = circuit_options(args)  # refused here, without a round trip
    token = os.environ.get("PROOFSIGHT_TOKEN") or None
    with Client(args.server, token=token) as client, shown() as progress:

        def told(operation: Operation) -> None:
            if operation.phase:
                progress(operation.phase, operation.done, operation.total)

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
            progress=told,
            timeout=args.timeout,
        )
    document: dict[str, Any] = {
        "revision": circuit.name.partition("/circuits/")[0] or args.kb,
        **circuit.report,
        "files": {path.rpartition(".")[2]: path for path in circuit.files},
    }
    print_json(document) if args.json else tell(document)
    return REFUSED if circuit.collapse else 0
