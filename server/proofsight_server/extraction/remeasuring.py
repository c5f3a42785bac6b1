"""Figures of a program that was changed: measured, carried over, or withheld."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from proofsight_server.errors import BadOption
from proofsight_server.extraction.comparison import Comparison, compare, unchanged
from proofsight_server.extraction.figures import figures_of
from proofsight_server.extraction.loading import revision_layers
from proofsight_server.extraction.probing import Seen, see
from proofsight_server.extraction.progress import Watch
from proofsight_server.knowledge.manifest import Manifest
from proofsight_server.knowledge.revision import RULES, Revision
from proofsight_server.rules.program import Program
from proofsight_server.rules.restating import restated, unstated
from proofsight_server.rules.statistics import with_layers
from proofsight_server.vision.dataset import Dataset
from proofsight_server.vision.network import Network

BATCH = 256
MEASURED, CARRIED_OVER, WITHHELD = "measured", "carried over", "withheld"


@dataclass(frozen=True, slots=True)
class Material:
    """What a program is measured on: images, and the network that it is to follow."""

    dataset: Dataset
    network: Network

    def seen(self, revision: Revision, watch: Watch) -> Mapping[str, Seen]:
        """Every split as the revision's propositions read it. Raises BadOption without training."""
        layers = revision_layers(revision, self.network)
        features = revision.quantisation.features
        seen = see(self.dataset, self.network, features, layers, batch=BATCH, watch=watch)
        if "train" not in seen:
            raise BadOption(
                f"{self.dataset.uri} has no training images to count the rules' statistics on"
            )
        return seen


@dataclass(frozen=True, slots=True)
class Remeasured:
    """A program with its statistics, and a manifest with its figures.

    `basis` says where these come from, and `why` why there are none.
    """

    program: Program
    manifest: Manifest
    comparison: Comparison
    basis: str
    why: str = ""


def remeasured(
    revision: Revision,
    parent: Program | None,
    program: Program,
    material: Material | None,
    seen: Mapping[str, Seen],
    unmeasured: str,
    watch: Watch,
) -> Remeasured:
    """A changed program with its statistics and figures, beside its parent.

    Parameters
    ----------
    revision, parent
        Where it comes from, and the program as that was published; None where nobody knows.
    program
        The changed program.
    material, seen
        What to measure on, and what the network saw of it; None and empty where there is none.
    unmeasured
        Why there is none.
    """
    manifest, quantisation = revision.manifest, revision.quantisation
    if unstated(program) == unstated(revision.program) and RULES not in revision.edited:
        figures = manifest.figures
        basis = CARRIED_OVER if figures else WITHHELD
        why = "" if figures else str(manifest.revised.get("why", ""))
        comparison = unchanged(revision.name, revision.program, quantisation, figures)
        return Remeasured(revision.program, manifest, comparison, basis, why)
    if not seen or material is None:
        bare = with_layers(unstated(program), quantisation.layers, quantisation.propositions)
        empty = replace(manifest, figures={})
        return Remeasured(bare, empty, Comparison(revision.name), WITHHELD, unmeasured)
    with watch.step("measuring"):
        tables = {
            name: (quantisation.bits(split.values), split.decisions) for name, split in seen.items()
        }
        program = with_layers(
            restated(program, quantisation.names, tables["train"], tables.get("validation")),
            quantisation.layers,
            quantisation.propositions,
        )
        seed = int(manifest.method.get("seed", 0))
        after = figures_of(program, quantisation, seen, seed=seed)
        comparison = (
            Comparison(revision.name)
            if parent is None
            else compare(revision.name, parent, program, quantisation, seen, material.dataset)
        )
    dataset = material.dataset
    data = {"uri": dataset.uri, "fingerprint": dataset.fingerprint(), "seed": dataset.seed}
    measured = replace(manifest, data=data, figures=after)
    return Remeasured(program, measured, comparison, MEASURED)
