"""Find the circuit of a feature: the kernels that compute it, as facts, pictures, a small network.

The feature is a channel (conv3:12), a direction over channels (conv3:12=1,7=-0.5) or the logit of a
class (class:street). Kernels are scored on one half of the images and the circuit is measured on
the other. Facts, scores, report and pictures become part of the revision, in its circuits/.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proofsight_server.commands.arguments import (
    add_allow_model,
    add_json,
    add_revision_data,
    allowed,
    at_least,
)
from proofsight_server.commands.outcome import REFUSED, outcome, print_json

if TYPE_CHECKING:
    from proofsight_server.extraction.circuit_options import CircuitOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "revision", metavar="R/KB[/N]", nargs="?", help="the revision; the newest of KB"
    )
    parser.add_argument("--target", metavar="T", help="LAYER:CHANNEL, LAYER:C=W,C=W or class:NAME")
    parser.add_argument(
        "--keep", metavar="X", default="0.1", help="share of kernels that stay, 0 < X ≤ 1 (0.1)"
    )
    parser.add_argument(
        "--criterion",
        metavar="C",
        default="auto",
        help="kernel_mask, actgrad, snip, magnitude, force, random, or auto: what follows the "
        "target best on a third part of the images (auto)",
    )
    parser.add_argument(
        "--selection",
        metavar="S",
        help="ranked keeps the best kernels, connected the best that are on a path (ranked; auto "
        "tries both)",
    )
    parser.add_argument(
        "--loss",
        metavar="L",
        help="abs_sum, sum, mean, max, argmax, position or position(ROW,COLUMN) (abs_sum)",
    )
    parser.add_argument(
        "--head",
        metavar="H",
        help="of a logit: frozen leaves dense layers whole, kernels cuts them",
    )
    parser.add_argument(
        "--ablation",
        metavar="A",
        help="removed kernels leave zero or mean (zero; auto tries both)",
    )
    parser.add_argument(
        "--images", metavar="M", type=at_least(2), default=512, help="most images (512)"
    )
    add_revision_data(parser)
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="put copies of the circuit's files there"
    )
    parser.add_argument(
        "--shrink",
        metavar="F.safetensors",
        type=Path,
        help="write the circuit as a network of its own, checked to be equal to the masked one",
    )
    parser.add_argument(
        "--split",
        action="store_true",
        help="also look for groups of images that reach the target by routes of their own",
    )
    parser.add_argument(
        "--compare",
        metavar=("A", "B"),
        nargs=2,
        help="instead of --target: a page of what two circuits of the revision share, by their ids",
    )
    add_allow_model(parser)
    _add_server(parser)
    add_json(parser)


def _add_server(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("server", "Instead of R/KB: have a server find it.")
    group.add_argument("--server", metavar="HOST:PORT", help="where it listens")
    group.add_argument("--kb", metavar="KB[/N]", help="its knowledge base; the newest of KB")
    group.add_argument(
        "--timeout", metavar="SECONDS", type=float, help="give up and cancel after that time"
    )


def run(args: argparse.Namespace) -> int:
    """Find and tell; 1 where nothing of the circuit is left."""
    if (args.target is None) == (args.compare is None):
        args.parser.error("say what to find with --target, or --compare two circuits, not both")
    if args.compare and (args.shrink or args.split):
        args.parser.error("--compare is of circuits that are there; leave --shrink, --split out")
    if args.server:
        if args.revision is not None or not args.kb:
            args.parser.error("with --server, name the knowledge base with --kb KB, not as R/KB")
        if args.data or args.out or args.shrink or args.allow_model:
            args.parser.error(
                "a server uses its own data and models and stores the circuit where it is; leave "
                "--data, --out, --shrink and --allow-model out, or run this where the repository is"
            )
        from proofsight_server.commands import circuit_remotely as remotely

        run_there = remotely.compared_remotely if args.compare else remotely.circuit_remotely
        return outcome(lambda: run_there(args), json=args.json)
    if args.revision is None:
        args.parser.error("name the revision as R/KB or R/KB/N, or a server with --server and --kb")
    if args.kb or args.timeout is not None:
        args.parser.error("--kb and --timeout are about a --server; name R/KB instead")
    # Before work that may take long.
    if args.shrink and not args.shrink.parent.is_dir():
        args.parser.error(f"--shrink: there is no directory {args.shrink.parent}; make it first")
    if args.shrink and args.shrink.is_dir():
        args.parser.error(f"--shrink: {args.shrink} is a directory; name a file")
    if args.out:
        there = next(path for path in (args.out, *args.out.parents) if path.exists())
        if not there.is_dir():
            args.parser.error(f"--out: {there} is a file; name a directory")
    return outcome(lambda: (_compared if args.compare else _circuit)(args), json=args.json)


def _circuit(args: argparse.Namespace) -> int:
    from proofsight_server.commands.circuit_telling import tell
    from proofsight_server.commands.progress import shown
    from proofsight_server.extraction.circuit import find_circuit
    from proofsight_server.extraction.circuit_annexes import store_circuit
    from proofsight_server.extraction.circuit_split import split_images
    from proofsight_server.extraction.loading import load_revision_network, open_revision_dataset
    from proofsight_server.extraction.progress import Watch
    from proofsight_server.knowledge.repository import parse_name

    address, options = parse_name(args.revision), circuit_options(args)
    revision = address.open()
    dataset = open_revision_dataset(revision, args.data, args.seed)
    network = load_revision_network(revision, allow=allowed(args))
    with shown() as progress:
        watch = Watch(progress)
        found = find_circuit(network, dataset, options, watch)
        document: dict[str, Any] = {"revision": revision.name, **found.report(), "files": {}}
        if not found.collapse:
            with watch.step("storing"):
                stored = store_circuit(revision, network, found)
            files = {kind: str(path) for kind, path in stored.files.items()}
            document = {**stored.report, "files": files}
            if args.out:
                document["copies"] = _copied(stored.files.values(), args.out)
        if args.shrink:
            with watch.step("shrinking"):
                document["shrunk"] = _shrunk(found, args.shrink, document)
        if args.split:
            document["split"] = split_images(found, watch.phase("comparing routes"))
    print_json(document) if args.json else tell(document)
    return REFUSED if found.collapse else 0


def _compared(args: argparse.Namespace) -> int:
    from proofsight_server.commands.circuit_telling import tell_compared
    from proofsight_server.commands.progress import shown
    from proofsight_server.extraction.compared_circuits import compare_circuits
    from proofsight_server.extraction.loading import load_revision_network, open_revision_dataset
    from proofsight_server.extraction.progress import Watch
    from proofsight_server.knowledge.repository import parse_name

    revision = parse_name(args.revision).open()
    dataset = open_revision_dataset(revision, args.data, args.seed)
    network = load_revision_network(revision, allow=allowed(args))
    with shown() as progress:
        watch = Watch(progress)
        first, second = args.compare
        document = compare_circuits(revision, network, dataset, first, second, watch)
    if args.out:
        document["copies"] = _copied([Path(document["files"]["page"])], args.out)
    print_json(document) if args.json else tell_compared(document)
    return 0


def circuit_options(args: argparse.Namespace) -> CircuitOptions:
    """What the arguments ask for. Raises BadOption and BadTarget."""
    from proofsight_server.extraction.circuit_options import CircuitOptions

    return CircuitOptions(
        target=args.target,
        keep=args.keep,
        criterion=args.criterion,
        loss=args.loss,
        head=args.head,
        selection=args.selection,
        ablation=args.ablation,
        images=args.images,
        seed=args.seed or 0,
    )


def _copied(files: Any, directory: Path) -> list[str]:
    import shutil

    directory.mkdir(parents=True, exist_ok=True)
    return [str(shutil.copy(path, directory)) for path in files]


def _shrunk(found: Any, path: Path, document: dict[str, Any]) -> dict[str, Any]:
    """Write the circuit as a network of its own; what it saves, and how exact it is."""
    from proofsight_server.circuits.exactness import verify
    from proofsight_server.circuits.savings import savings, wall_time
    from proofsight_server.circuits.shrinking import shrink
    from proofsight_server.circuits.shrunk import save_shrunk

    circuit = found.masked()
    shrunk = shrink(circuit)
    images = found.images.held_out
    shape = found.network.input_shape
    exactness = verify(circuit, shrunk, images, input_shape=shape)
    about = {key: value for key, value in document.items() if key not in {"files", "copies"}}
    save_shrunk(path, shrunk, exactness, about)
    return {
        "file": str(path),
        "exactness": exactness.to_json(),
        **savings(circuit, shrunk).to_json(),
        "seconds": {
            "images": len(images),
            "network": wall_time(found.network, images),
            "masked": wall_time(circuit, images),
            "shrunk": wall_time(shrunk, images),
        },
    }
