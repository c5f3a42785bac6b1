"""Show the whole of it on handwritten digits: train, extract, serve, and ask why."""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from proofsight_server.commands.arguments import positive, whole
from proofsight_server.commands.outcome import outcome

if TYPE_CHECKING:
    from proofsight.client import Client
    from proofsight_server.extraction.extract import Source
    from proofsight_server.extraction.progress import Progress
    from proofsight_server.knowledge.revision import Revision
    from proofsight_server.symbols.feature import Ints
    from proofsight_server.vision.dataset import Dataset, Split
    from proofsight_server.vision.training import TrainOptions

DATA, KB = "digits", "digits"
WEIGHTS, REPOSITORY, LOG = "weights.safetensors", "repository", "server.log"
ELITE = 5  # channels of its own for each class
MAX_RULES = 30
PORT = 50051
ANSWER_SECONDS = 30.0
GOAL = "active(Image, Channel), value(Image, Channel, Value)"
SOLUTIONS = 3


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A held-out image that the demo asks about: what it is, and what is said of it."""

    path: Path
    label: str
    network: str
    program: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--out", metavar="DIR", type=Path, default=Path("demo"), help="where files go (./demo)"
    )
    parser.add_argument(
        "--epochs", metavar="N", type=positive, help="train for less long, for a quick look (30)"
    )
    parser.add_argument("--seed", metavar="S", type=whole, default=0, help="of everything (0)")


def run(args: argparse.Namespace) -> int:
    """Run the demo."""
    return outcome(lambda: _demo(args))


def _demo(args: argparse.Namespace) -> int:
    import torch

    from proofsight_server.commands.figures import print_figures
    from proofsight_server.commands.progress import shown
    from proofsight_server.vision.dataset import open_dataset
    from proofsight_server.vision.training import TrainOptions

    # The network is so small that a second thread would wait longer than it works.
    torch.set_num_threads(1)
    out: Path = args.out
    out.mkdir(parents=True, exist_ok=True)
    dataset = open_dataset(DATA, seed=args.seed)
    _heading(f"1. A network learns {len(dataset.train)} handwritten digits")
    with shown() as progress:
        source = _trained(
            dataset, out, TrainOptions(args.epochs, seed=args.seed, elite=ELITE), progress
        )
    _heading("2. Its rules are extracted")
    with shown() as progress:
        revision = _extracted(source, out, args.seed, progress)
    exhibits = _exhibits(source, revision, out / "images")
    print_figures(revision.manifest.figures)
    _heading("3. A server answers why, for images that nobody trained on")
    _ask(out, exhibits)
    _farewell(out, revision, exhibits)
    return 0


def _trained(dataset: Dataset, out: Path, options: TrainOptions, progress: Progress) -> Source:
    """A network trained with Elite BackProp; its weights are in `out`."""
    from proofsight_server.extraction.extract import Source
    from proofsight_server.vision.network import save_weights
    from proofsight_server.vision.training import train

    network, report = train(
        dataset,
        "small-cnn",
        options,
        lambda done, total: progress("training", done, total),
    )
    training = report.to_json()
    save_weights(out / WEIGHTS, network, training=training, annexes=report.tensors)
    return Source(dataset, network, training)


def _extracted(source: Source, out: Path, seed: int, progress: Progress) -> Revision:
    from proofsight_server.extraction.extract import extract
    from proofsight_server.extraction.options import ExtractOptions
    from proofsight_server.extraction.progress import Watch
    from proofsight_server.knowledge.repository import Repository

    # Elite BackProp leaves most channels silent on most images: mean + std divides them better.
    options = ExtractOptions(max_rules=MAX_RULES, threshold="mean_std", seed=seed)
    return extract(options, source, Repository(out / REPOSITORY), KB, watch=Watch(progress))


def _exhibits(source: Source, revision: Revision, folder: Path) -> list[Exhibit]:
    """Write the held-out images, and choose the ones to ask about."""
    from proofsight_server.extraction.loading import revision_layers
    from proofsight_server.rules.evaluation import evaluate
    from proofsight_server.vision.probe import Reader, probe_split

    test, quantisation = source.dataset.test, revision.quantisation
    layers = revision_layers(revision, source.network)
    seen = probe_split(Reader(source.network, quantisation.features, layers), test)
    bits = quantisation.bits(seen.values)
    program = evaluate(revision.program, bits, quantisation.names).decisions
    classes = revision.program.classes
    paths = _written(test, classes, folder)
    labels = test.labels
    assert labels is not None  # digits have labels
    return [
        Exhibit(
            paths[index],
            classes[labels[index]],
            classes[seen.decisions[index]],
            classes[program[index]] if program[index] >= 0 else "nothing",
        )
        for index in chosen(labels, seen.decisions, program)
    ]


def chosen(labels: Ints, network: Ints, program: Ints) -> list[int]:
    """Three images: two of different classes that are right, and one where somebody errs.

    An image on which network and program disagree tells most; then one that both get wrong.
    """
    import numpy as np

    right = np.flatnonzero((labels == network) & (network == program)).tolist()
    others = [index for index in right if labels[index] != labels[right[0]]]
    errs = [*np.flatnonzero(network != program), *np.flatnonzero(network != labels), *others[1:]]
    return [int(index) for index in (*right[:1], *others[:1], *errs[:1])]


def _written(test: Split, classes: Sequence[str], folder: Path) -> list[Path]:
    """The held-out images as PNG files, one for each."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    assert test.labels is not None
    paths = []
    for index, (pixels, label) in enumerate(zip(test.images, test.labels, strict=True)):
        path = folder / f"{index:03d}_{classes[label]}.png"
        Image.fromarray(pixels[:, :, 0]).save(path)
        paths.append(path)
    return paths


def _ask(out: Path, exhibits: Sequence[Exhibit]) -> None:
    """Start the server, and ask it as anybody would."""
    from proofsight.client import Client
    from proofsight_server.commands.running_server import running_server

    with (
        running_server(out / REPOSITORY, out / LOG) as address,
        Client(address, timeout=ANSWER_SECONDS) as client,
    ):
        for exhibit in exhibits:
            print(
                f"\nwhy?  {exhibit.path}: it is {exhibit.label}, the network says "
                f"{exhibit.network}, the program {exhibit.program}"
            )
            print(client.why(exhibit.path, kb=KB).text(), end="")
        last = exhibits[-1]
        other = _other_class(client, last)
        print(f"\nwhy not {other}?  {last.path}")
        print(client.why_not(last.path, other, kb=KB).text(), end="")
        print(f"\n?- {GOAL}.  {last.path}")
        with client.query(GOAL, last.path, KB, max_solutions=SOLUTIONS) as solutions:
            for solution in solutions:
                print(solution)


def _other_class(client: Client, exhibit: Exhibit) -> str:
    """What a person would have expected instead: the right class, or the network's next best."""
    if exhibit.label != exhibit.program:
        return exhibit.label
    names = [prediction.class_name for prediction in client.classify(exhibit.path, KB).predictions]
    return next(name for name in names if name != exhibit.program)


def _farewell(out: Path, revision: Revision, exhibits: Sequence[Exhibit]) -> None:
    figures = revision.manifest.figures
    test = figures["test"]
    _heading("Figures, on held-out images")
    print(
        f"CNN accuracy {test['cnn_accuracy']:.4f}; the program decides as the CNN on "
        f"{test['fidelity']:.4f} of them, with {figures['rules']} rules of "
        f"{figures['literals']} literals in all"
    )
    _heading("Files")
    for path, what in (
        (out / WEIGHTS, "the network"),
        (out / REPOSITORY / revision.name / "rules.pl", "its rules, for people to read and edit"),
        (out / "images", "the held-out images"),
        (out / LOG, "what the server said"),
    ):
        print(f"{path}  {what}")
    _heading("Now you")
    command = _command()
    print(f"{command} serve {shlex.quote(str(out / REPOSITORY))} --port {PORT}")
    image = shlex.quote(str(exhibits[0].path))
    print(f"{command} why {image} --server 127.0.0.1:{PORT} --kb {KB}")
    print(f"{command} repl {shlex.quote(str(out / REPOSITORY / KB))}")


def _command() -> str:
    """How to call `proofsight`: by its name where that is on the path, else by its file."""
    beside = Path(sys.executable).parent / "proofsight"
    found = shutil.which("proofsight")
    if found is not None and Path(found).samefile(beside if beside.exists() else found):
        return "proofsight"
    if not beside.exists():
        return f"{shlex.quote(sys.executable)} -m proofsight"
    here = Path.cwd()
    return shlex.quote(str(beside.relative_to(here) if beside.is_relative_to(here) else beside))


def _heading(text: str) -> None:
    print(f"\n== {text}", flush=True)
