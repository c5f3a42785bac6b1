"""Labels from candidates and hands, in one `labels.pl`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from proofsight_server.errors import BadOption
from proofsight_server.extraction.candidates import (
    LEAST,
    Candidate,
    Method,
    mask_candidates,
    purity_candidates,
)
from proofsight_server.extraction.exemplars import chosen, exhibit
from proofsight_server.extraction.progress import Watch
from proofsight_server.knowledge.label import Label, automatic, is_by_hand
from proofsight_server.knowledge.label_table import with_labels
from proofsight_server.knowledge.revision import Revision
from proofsight_server.vision.dataset import Dataset
from proofsight_server.vision.masks import Masks
from proofsight_server.vision.network import Network


def find_candidates(
    revision: Revision,
    dataset: Dataset,
    network: Network,
    method: Method,
    *,
    masks: Masks | None = None,
    top: int = 10,
    everything: bool = False,
    watch: Watch | None = None,
) -> list[Candidate]:
    """What a method proposes for the propositions of a revision, one candidate each.

    Parameters
    ----------
    method
        `purity` of classes, or `iou` or `coverage` of masks.
    masks
        Of the training images of `dataset`; needed for `iou` and `coverage`.
    top
        How many of the strongest images speak for a proposition.
    everything
        All propositions instead of those that the program uses.

    Raises
    ------
    BadOption
        A method of masks without masks, or masks without one.
    BadDataset
        Data or masks do not fit.
    """
    watch = watch or Watch()
    if (masks is None) != (method == "purity"):
        told = "compares maps with masks; name their folder with --masks"
        other = "looks at classes; compare --masks by iou or coverage"
        raise BadOption(f"--method {method} {told if masks is None else other}", option="method")
    propositions = chosen(revision, everything=everything)
    only = None if masks is None else masks.annotated
    exhibition = exhibit(revision, dataset, network, propositions, top=top, only=only, watch=watch)
    if masks is None:
        return purity_candidates(exhibition, revision.manifest.classes)
    return mask_candidates(revision, network, exhibition, masks, method, watch=watch)


def labelled(
    marks: Sequence[Label],
    candidates: Iterable[Candidate],
    by_hand: Sequence[Label] = (),
    *,
    least: float | None = None,
) -> tuple[Label, ...]:
    """The lines of `labels.pl` after new labels.

    Labels by hand stand first, so that they are the ones shown, and where there is one a machine
    adds nothing.  A candidate of at least the score `least` takes the place of what a
    machine said of its proposition before; `least` is by default that of its method.
    """
    kept = with_labels(marks, by_hand)
    hands = [label for label in kept if is_by_hand(label)]
    named = {label.proposition for label in hands}
    fresh = {
        c.proposition: Label(c.proposition, c.text, automatic(c.method, c.score))
        for c in candidates
        if c.proposition not in named and is_convincing(c, least)
    }
    # Each in the place of what it replaces: the same candidates twice change nothing.
    machines = (fresh.get(label.proposition, label) for label in kept if not is_by_hand(label))
    return (*hands, *dict.fromkeys((*machines, *fresh.values())))


def is_convincing(candidate: Candidate, least: float | None = None) -> bool:
    """Whether a candidate's score suffices to label."""
    return candidate.score >= (LEAST[candidate.method] if least is None else least)
