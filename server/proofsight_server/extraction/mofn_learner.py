"""The learner `mofn`: reads one M-of-N rule per unit off a network, layer by layer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from proofsight_server.errors import BadOption
from proofsight_server.extraction.landscape import landscape_files
from proofsight_server.extraction.layerwise import Reading, Subject
from proofsight_server.extraction.mofn_cases import Images, Silent, cases_of, drawn
from proofsight_server.extraction.mofn_moved import moved_errors
from proofsight_server.extraction.mofn_options import (
    BETA,
    MofNOptions,
    Splits,
    Weights,
    parsed_betas,
    parsed_position,
)
from proofsight_server.extraction.mofn_program import counted, drafted, firing_figures
from proofsight_server.extraction.mofn_report import Explained, LayerFound, layer_report
from proofsight_server.extraction.mofn_unit import Case, curve_of
from proofsight_server.rules.mofn import check_exhaustive
from proofsight_server.rules.mofn_order import Order
from proofsight_server.rules.mofn_triples import check_triples
from proofsight_server.vision.convolution import Convolution
from proofsight_server.vision.layers import LayerInfo, resolve
from proofsight_server.vision.unit_layer import UnitLayer

# Beside the chosen order these are tried too, where that takes seconds and not minutes.
TRIED: tuple[Order, ...] = ("weight", "weight*std", "gain", "greedy")
FEW_INPUTS = 256


class MofNRules:
    """One rule per unit, "at least M of these N literals hold" (see `MofNOptions`).

    Odense and d'Avila Garcez, https://arxiv.org/abs/2003.09000.  Every option is checked when it
    is made; `betas` may be text with commas, and `position` text `ROW,COLUMN`.

    Raises
    ------
    BadOption
        For an option out of its range.
    """

    def __init__(
        self,
        order: Order = "weight",
        beta: float = BETA,
        betas: str | Sequence[float] | None = None,
        max_body: int | None = None,
        output_weights: Weights = "raw",
        splits: Splits = "per_target",
        position: str | tuple[int, int] = "max_gain",
        holdout: float = 0.2,
        images: int = 12_500,
    ) -> None:
        self.options = MofNOptions(
            order,
            beta,
            parsed_betas(betas),
            max_body,
            output_weights,
            splits,
            parsed_position(position),
            holdout,
            images,
        )

    def read(self, subject: Subject) -> Reading:
        """The rules of all layers of a subject, and their figures."""
        options = self.options
        check_fan_in(subject.layers, options.order, options.images)
        images = drawn(subject, options)
        found = []
        for number, layer in enumerate(subject.layers):
            subject.watch("explaining layers", number, len(subject.layers))
            found.append(explained_layer(layer, images, options))
        subject.watch("explaining layers", len(found), len(found))
        infos = _infos(subject)
        draft = drafted(found, infos, subject.classes, common=options.splits == "common")
        if not draft.quantisation.propositions:
            raise BadOption(
                f"at beta {options.beta:.4g} no class has a rule with a literal, so that there is "
                f"no program; choose a smaller beta, where weights and inputs are not constant. "
                f"{'. '.join(draft.warnings)}",
                option="beta",
                value=options.beta,
            )
        quantisation = draft.quantisation
        values = images.values(quantisation.features, infos)
        bits = {part: quantisation.bits(own) for part, own in values.items()}
        program = counted(draft, bits["fit"], images.decisions["fit"])
        fires = {
            part: firing_figures(program, quantisation.names, own, images.decisions[part])
            for part, own in bits.items()
        }
        head = {
            "options": options.to_json(),
            "images": {part: len(own) for part, own in images.decisions.items()},
            "firing": fires,
        }
        whole = {**head, "layers": [layer_report(one, whole=True) for one in found]}
        return Reading(
            quantisation,
            program,
            {**head, "layers": [layer_report(one, whole=False) for one in found]},
            {
                "mofn.json": (json.dumps(whole, indent=1) + "\n").encode(),
                **landscape_files([layer_report(one, whole=False) for one in found], options.order),
            },
            (*_silent(found), *draft.warnings),
        )


def explained_layer(
    layer: UnitLayer | Convolution,
    images: Images,
    options: MofNOptions,
    *,
    units: Sequence[int] | None = None,
    orders: Sequence[Order] | None = None,
    moved: bool = True,
) -> LayerFound:
    """The rules of a layer's units in every order, and that of the program.

    Parameters
    ----------
    layer, images, options
        What is explained, on what, and how.
    units
        Some of the units; all where nothing is said.
    orders
        The orders to try, first that of the rules; where nothing is said that of the options,
        and for layers of few inputs all of them.
    moved
        Whether to measure a convolution's rules at other positions.
    """
    explained, silent = [], []
    for case in cases_of(layer, images, options, units=units):
        images.subject.watch.check()
        if isinstance(case, Silent):
            silent.append(case)
            continue
        explained.append(_explained(case, options, orders))
    if options.splits == "common":
        explained = _beside_per_target(layer, images, options, explained, units)
    if isinstance(layer, Convolution) and moved:
        errors = moved_errors(layer, explained, images)
        explained = [replace(one, moved=errors.get(one.site.name)) for one in explained]
    return LayerFound(layer, tuple(explained), tuple(silent))


def _explained(case: Case, options: MofNOptions, orders: Sequence[Order] | None) -> Explained:
    """A unit searched, without the images it was searched on."""
    if orders is None:
        few = len(case.site.weight) <= FEW_INPUTS
        orders = tuple(dict.fromkeys((options.order, *(TRIED if few else ()))))
    betas = (*options.betas, options.beta)
    curves = [curve_of(case, order, betas, _longest(order, options)) for order in orders]
    rule = curves[0].rules[-1]
    shown = tuple(replace(curve, rules=curve.rules[:-1]) for curve in curves)
    return Explained(case.site, case.baseline(), shown, rule)


def check_fan_in(layers: Sequence[UnitLayer | Convolution], order: Order, images: int) -> None:
    """Refuse what an order cannot search before an image is looked at. Raises BadOption.

    Of a convolution only the images tell how many taps say anything.
    """
    for layer in layers:
        if not isinstance(layer, UnitLayer):
            continue
        most = int(np.count_nonzero(layer.weight, axis=1).max())
        unit = f"a unit of {layer.info.layer.atom}"
        if order == "exhaustive":
            check_exhaustive(most, unit)
        elif order == "triples":
            check_triples(most, images, unit)


def _longest(order: Order, options: MofNOptions) -> int | None:
    return None if order == "exhaustive" else options.max_body


def _beside_per_target(
    layer: UnitLayer | Convolution,
    images: Images,
    options: MofNOptions,
    explained: Sequence[Explained],
    units: Sequence[int] | None,
) -> list[Explained]:
    """The same units, each with the errors it would have with cuts of its own."""
    own = replace(options, splits="per_target")
    errors: dict[str, Mapping[str, float]] = {}
    for case in cases_of(layer, images, own, units=units):
        if isinstance(case, Case):
            (rule,) = curve_of(case, own.order, [own.beta], _longest(own.order, own)).rules
            errors[case.site.name] = rule.error
    return [replace(one, per_target=errors.get(one.site.name)) for one in explained]


def _infos(subject: Subject) -> list[LayerInfo]:
    """All layers that propositions may read, in order of execution."""
    modules = dict.fromkeys(
        info.layer.module for layer in subject.layers for info in (layer.below, layer.info)
    )
    return list(resolve(subject.network, list(modules)))


def _silent(found: Sequence[LayerFound]) -> list[str]:
    return [
        f"{len(one.silent)} of {len(one.silent) + len(one.units)} units of "
        f"{one.layer.info.layer.atom} have no rule, since no cut of theirs tells anything of the "
        f"class: {', '.join(silent.name for silent in one.silent[:5])}"
        f"{', …' if len(one.silent) > 5 else ''}"
        for one in found
        if one.silent
    ]
