"""Arguments that several commands share."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from proofsight_server.vision.dataset import Dataset
    from proofsight_server.vision.preprocessing_options import PreprocessingOptions

DATA = "digits, mnist:ROOT, fashion-mnist:ROOT, cifar10:ROOT, npz:FILE, folder:DIR or images:DIR"
ALLOW_MODELS = "PROOFSIGHT_ALLOW_MODELS"  # also a setting of the server's
MODEL = "small-cnn, torchvision:NAME or module:factory"


def add_data(parser: argparse.ArgumentParser) -> None:
    """`--data`."""
    parser.add_argument("--data", metavar="D", required=True, help=f"the images: {DATA}")


def add_revision_data(parser: argparse.ArgumentParser) -> None:
    """`--data` and `--seed` where they are by default those of the revision."""
    parser.add_argument("--data", metavar="D", help=f"the images: {DATA} (those of the extraction)")
    parser.add_argument(
        "--seed", metavar="S", type=whole, help="chooses the validation images (as at extraction)"
    )


def add_preprocessing(parser: argparse.ArgumentParser) -> None:
    """`--normalize`, `--size`, `--crop`, `--scale`."""
    group = parser.add_argument_group(
        "input convention",
        "What happens to every image; recorded with the weights, so that it is given once.",
    )
    group.add_argument(
        "--normalize",
        metavar="imagenet|MEAN[,…]/STD[,…]",
        type=_parsed("parse_normalize"),
        help="subtract the mean, divide by the deviation, per channel (none)",
    )
    group.add_argument(
        "--size", metavar="N", type=positive, help="resize the short side to N pixels"
    )
    group.add_argument("--crop", metavar="N", type=positive, help="cut out the central N × N")
    group.add_argument(
        "--scale", metavar="X", type=_parsed("parse_scale"), help="factor on 0..255 (1/255)"
    )


def preprocessing_options(args: argparse.Namespace) -> PreprocessingOptions:
    """What was said of the input convention."""
    from proofsight_server.vision.preprocessing_options import PreprocessingOptions

    return PreprocessingOptions(args.size, args.crop, args.scale, args.normalize)


def add_json(parser: argparse.ArgumentParser) -> None:
    """`--json`."""
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document and nothing else"
    )


def add_allow_model(parser: argparse.ArgumentParser) -> None:
    """`--allow-model`."""
    parser.add_argument(
        "--allow-model",
        metavar="MODULE:FACTORY",
        action="append",
        default=[],
        help="a factory, of a model or of a learner, that a file may name, which imports it; may "
        f"be repeated (or {ALLOW_MODELS}, with commas)",
    )


def allowed(args: argparse.Namespace) -> frozenset[str]:
    """Factories that may be imported: those allowed, and one that was given as the model.

    As of the server's settings, flags win over the environment.
    """
    model = getattr(args, "model", None)
    named = args.allow_model or os.environ.get(ALLOW_MODELS, "").split(",")
    return frozenset(filter(None, (model, *(name.strip() for name in named))))


def positive(text: str) -> int:
    """A whole number from 1."""
    return at_least(1)(text)


def at_least(least: int) -> Callable[[str], int]:
    """The type of whole numbers from `least`."""

    def convert(text: str) -> int:
        number = _whole(text)
        if number < least:
            raise argparse.ArgumentTypeError(f"must be a whole number from {least}, not {text}")
        return number

    return convert


def share_of_one(text: str) -> float:
    """A number in 0..1."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"must be a number in 0..1, not {text!r}")
    return number


def whole(text: str) -> int:
    """A whole number from 0, as seeds are."""
    return at_least(0)(text)


def rules_bound(text: str) -> int | Literal["auto"]:
    """A number of rules from 2, or `auto`."""
    return "auto" if text == "auto" else at_least(2)(text)


def grids(text: str) -> tuple[int, ...]:
    """Grid sizes with commas: `3`, or `1,3` for whole maps and 3 × 3 cells."""
    return tuple(dict.fromkeys(positive(part) for part in text.split(",")))


def layer(text: str) -> tuple[str, tuple[int, ...] | None]:
    """A layer, and the grids over its maps if they are its own: `conv2:grid=1,4`."""
    name, colon, option = text.partition(":")
    key, _, sizes = option.partition("=")
    if not name or (colon and key != "grid"):
        raise argparse.ArgumentTypeError(
            f"must be a layer, or one with grids of its own (conv2:grid=1,4), not {text!r}"
        )
    return name, grids(sizes) if colon else None


def image_shape(dataset: Dataset) -> tuple[int, int, int] | None:
    """Channels, height and width of the data set's first image; None without images."""
    for split in (dataset.train, dataset.validation, dataset.test):
        if len(split):
            height, width, channels = split.images[0].shape
            return channels, height, width
    return None


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, not {text!r}") from None


def _parsed(function: str) -> Callable[[str], Any]:
    """A parser of the vision room, which is imported only when its flag is given."""

    def convert(text: str) -> Any:
        from proofsight_server.errors import BadOption
        from proofsight_server.vision import preprocessing_options

        try:
            return getattr(preprocessing_options, function)(text)
        except BadOption as error:
            raise argparse.ArgumentTypeError(error.message) from error

    return convert


def learner_option(text: str) -> tuple[str, int | float | bool | str | None]:
    """`KEY=VALUE` of `--learner-option`; a value is a number, true, false, none, or a word."""
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise argparse.ArgumentTypeError(f"must be KEY=VALUE, as tail=0.005, not {text!r}")
    words: dict[str, bool | None] = {"true": True, "false": False, "none": None}
    if value in words:
        return key, words[value]
    for number in (int, float):
        try:
            return key, number(value)
        except ValueError:
            continue
    return key, value
