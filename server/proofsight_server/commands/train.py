"""Train a network on a data set, with Elite BackProp if asked, and write its weights."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proofsight_server.commands.arguments import (
    MODEL,
    add_allow_model,
    add_data,
    add_json,
    add_preprocessing,
    allowed,
    image_shape,
    positive,
    preprocessing_options,
    whole,
)
from proofsight_server.commands.outcome import outcome, print_json
from proofsight_server.commands.table import print_table, share

if TYPE_CHECKING:
    from proofsight_server.vision.dataset import Dataset
    from proofsight_server.vision.elite import EliteReport
    from proofsight_server.vision.network import Network
    from proofsight_server.vision.training import TrainingReport, TrainOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_data(parser)
    parser.add_argument(
        "--model", metavar="M", help=f"{MODEL} (small-cnn, or what --weights were made for)"
    )
    parser.add_argument(
        "--weights",
        metavar="W",
        type=Path,
        help="begin with these: safetensors or a state dict; with --elite, Elite BackProp is all "
        "that is done to them",
    )
    parser.add_argument(
        "--out",
        metavar="W.safetensors",
        type=Path,
        required=True,
        help="where the weights go; replaced only when training is done",
    )
    parser.add_argument(
        "--epochs", metavar="N", type=positive, help="most epochs (by the number of images)"
    )
    parser.add_argument(
        "--elite",
        metavar="K",
        type=positive,
        help="Elite BackProp afterwards: K channels of its own for each class",
    )
    parser.add_argument(
        "--elite-lambda",
        metavar="X[,X]…",
        type=_strengths,
        help="strength of its penalty (0.1); several are tried beside a control without one, and "
        "validation images choose",
    )
    parser.add_argument(
        "--elite-layer", metavar="L", help="the layer that is made sparse (the last convolution)"
    )
    parser.add_argument(
        "--seed", metavar="S", type=whole, default=0, help="of splits, weights and order (0)"
    )
    add_preprocessing(parser)
    add_allow_model(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Train and write."""
    return outcome(lambda: _train(args), json=args.json)


def _train(args: argparse.Namespace) -> int:
    from proofsight_server.commands.progress import shown
    from proofsight_server.commands.warned import warned
    from proofsight_server.vision.dataset import open_dataset
    from proofsight_server.vision.network import save_weights
    from proofsight_server.vision.training import train

    options = _options(args)
    _check_target(args.out)
    dataset = open_dataset(args.data, seed=args.seed)
    with warned():
        start = None if args.weights is None else _start(args, dataset)
    args.model = (args.model or "small-cnn") if start is None else start.model
    with shown() as progress:
        network, report = train(
            dataset,
            args.model,
            options,
            lambda done, total: progress("training", done, total),
            preprocessing=preprocessing_options(args),
            allow=allowed(args),
            start=start,
        )
        accuracies = _accuracies(dataset, network, report)
    save_weights(
        args.out,
        network,
        training={**report.to_json(), "accuracy": accuracies},
        annexes=report.tensors,
    )
    if args.json:
        print_json(_document(args, report, accuracies))
        return 0
    for name, accuracy in accuracies.items():
        print(f"{name} accuracy {accuracy:.4f}")
    if report.elite is not None:
        print_elite(report.elite)
        for warning in report.elite.warnings:
            print(f"warning: {warning}")
    print(f"{args.out} written after {report.seconds:.1f} s")
    return 0


def print_elite(report: EliteReport) -> None:
    """Print what each strength of the penalty did, the control's 0 first, and which is kept."""
    states = {"before": report.before}
    for state in report.tried:
        name = f"λ = {state.strength:g}"
        if report.control is not None:
            name += ", the control" if state is report.control else ""
            name += ", kept" if state == report.after else ""
        states[name] = state
    rows = [
        [
            name,
            share(state.share),
            f"{state.mean:.4g}",
            str(state.dead),
            share(state.validation_accuracy),
        ]
        for name, state in states.items()
    ]
    print(f"Elite BackProp at {report.layer}, {report.k} channels for each class")
    print_table(["", "elite share", "mean", "dead channels", "validation accuracy"], rows)
    print(f"of channels drawn at random the elite share would be {share(report.random_share)}")
    if report.control is None:
        print(
            "what training as long without the penalty gives, "
            f"--elite-lambda 0,{report.after.strength:g} tells"
        )
    elif report.after == report.control:
        print(
            "no penalty is kept: none raises the elite share at a cost of at most half a point of "
            "validation accuracy; --elite-lambda with one strength keeps that one whatever it costs"
        )


def _start(args: argparse.Namespace, dataset: Dataset) -> Network:
    """The network to begin with."""
    from proofsight_server.vision.network import load_network, load_weights

    metadata: dict[str, Any] = load_weights(args.weights)[1]
    return load_network(
        args.weights,
        model=args.model,
        classes=None if "classes" in metadata else dataset.classes,
        preprocessing=preprocessing_options(args),
        input_shape=image_shape(dataset),
        allow=allowed(args),
    )


def _options(args: argparse.Namespace) -> TrainOptions:
    from proofsight_server.errors import BadOption
    from proofsight_server.vision.training import TrainOptions

    if args.elite is None:
        for flag in ("elite_lambda", "elite_layer"):
            if getattr(args, flag) is not None:
                raise BadOption(
                    f"--{flag.replace('_', '-')} belongs to --elite K; give both or neither"
                )
        return TrainOptions(epochs=args.epochs, seed=args.seed)
    strengths = args.elite_lambda or (TrainOptions().elite_lambda,)
    return TrainOptions(
        epochs=args.epochs,
        seed=args.seed,
        elite=args.elite,
        elite_lambda=strengths[0],
        elite_sweep=strengths if len(strengths) > 1 else (),
        elite_layer=args.elite_layer,
    )


def _check_target(path: Path) -> None:
    """Accept a file that could be written, before there is anything to write."""
    from proofsight_server.errors import BadOption

    parent = path.parent
    if path.is_dir() or not (parent.is_dir() and os.access(parent, os.W_OK | os.X_OK)):
        raise BadOption(
            f"cannot write weights to {path}: give --out a file in a directory that exists and "
            "that we may write",
            path=path,
        )


def _accuracies(dataset: Dataset, network: Network, report: TrainingReport) -> dict[str, float]:
    """Share of correct decisions on each split."""
    from proofsight_server.vision.fitting import Batches, judge

    return {
        "train": judge(network.module, Batches(network, dataset.train))[1],
        "validation": report.validation_accuracy,
        "test": report.test_accuracy,
    }


def _document(
    args: argparse.Namespace, report: TrainingReport, accuracies: dict[str, float]
) -> dict[str, Any]:
    return {
        "weights": str(args.out),
        "model": args.model,
        "data": report.data,
        "seed": report.seed,
        **{split: {"accuracy": accuracy} for split, accuracy in accuracies.items()},
        "epochs": len(report.epochs),
        "best_epoch": report.best_epoch,
        "seconds": report.seconds,
        "elite": report.to_json()["elite"],
    }


def _strengths(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be a number, or several with commas, not {text!r}"
        ) from None
