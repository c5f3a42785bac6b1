"""Networks from files: of a revision, and of weights that somebody names."""

from __future__ import annotations

from proofsight_server.errors import BadDataset, BadRevision
from proofsight_server.knowledge.revision import MODEL, Revision
from proofsight_server.vision.dataset import Dataset, open_dataset
from proofsight_server.vision.layers import LayerInfo, resolve
from proofsight_server.vision.network import Network, load_network


def load_revision_network(revision: Revision, *, allow: frozenset[str] = frozenset()) -> Network:
    """The network of a revision.

    Parameters
    ----------
    allow
        Model factories (`module:factory`) that may be imported because a manifest names them.

    Raises
    ------
    BadModel
        The manifest names a factory that is not allowed.
    BadWeights
        The weights do not fit the model.
    BadRevision
        Weights and manifest speak of different networks.
    """
    network = load_network(revision.directory / MODEL, allow=allow)
    manifest = revision.manifest
    for noun, ours, theirs in (
        ("model", network.model, manifest.model),
        ("classes", tuple(network.classes), manifest.classes),
        ("input shape", tuple(network.input_shape), manifest.input_shape),
    ):
        if ours != theirs:
            raise BadRevision(
                f"{revision.directory}: the weights have the {noun} {ours} and the manifest "
                f"{theirs}; extract the rules again",
                directory=revision.directory,
            )
    return network


def revision_layers(revision: Revision, network: Network) -> tuple[LayerInfo, ...]:
    """The layers that a revision's propositions read, found in its network.

    Raises
    ------
    UnknownLayer
        `quantiser.pl` names a module that the network does not have.
    BadRevision
        It means another layer by that name than the network does.
    """
    wanted = {layer.module: layer for layer in revision.quantisation.layers}
    layers = resolve(network, list(wanted))
    for found in layers:
        told = wanted[found.layer.module]
        if found.layer != told:
            raise BadRevision(
                f"{revision.directory}: quantiser.pl says {told} and the network has "
                f"{found.layer}; put layer/4 and reads/2 back as they were",
                directory=revision.directory,
            )
    return layers


def open_revision_dataset(
    revision: Revision, uri: str | None = None, seed: int | None = None
) -> Dataset:
    """A data set for a revision: by default the one that it was extracted from, split alike.

    Raises
    ------
    BadDataset
        It cannot be opened; where none was named, the message says whose it is.
    """
    data = revision.manifest.data
    chosen = int(data["seed"]) if seed is None else seed
    if uri is not None:
        return open_dataset(uri, seed=chosen, labelled=False)
    try:
        return open_dataset(data["uri"], seed=chosen, labelled=False)
    except BadDataset as error:
        raise BadDataset(
            f"{error.message}; it is what {revision.name} was extracted from: say with --data "
            "where it is now",
            **error.metadata,
        ) from error
