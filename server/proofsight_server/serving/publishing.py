"""Publishing revisions that come over the wire: one at a time, off the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from proofsight_server.errors import BadDataset, StaleEtag
from proofsight_server.extraction.loading import load_revision_network
from proofsight_server.extraction.progress import Watch
from proofsight_server.extraction.revise import Revised, revise
from proofsight_server.knowledge.revision import LABELS, RULES, USER, Revision
from proofsight_server.serving.catalogue import Catalogue
from proofsight_server.serving.configuration import Configuration
from proofsight_server.serving.names import RevisionName
from proofsight_server.vision.dataset import Dataset, open_dataset


@dataclass(frozen=True, slots=True)
class Change:
    """What is asked for: texts by file name, in the place of the parent's own.

    `etag` is the parent's as the caller read it, or empty.
    """

    parent: RevisionName
    texts: Mapping[str, str]
    etag: str
    author: str
    note: str
    publish: bool


class Publisher:
    """Turns changes into revisions of a catalogue's repository.

    One at a time, so that of two changes to the newest revision the second finds its etag stale.
    """

    def __init__(self, catalogue: Catalogue, settings: Configuration) -> None:
        self._catalogue = catalogue
        self._allow = frozenset(settings.allow_models)
        self._turn = asyncio.Lock()

    async def __call__(self, change: Change) -> Revised:
        """Publish, and have the catalogue answer with it. Raises as `revise`, and StaleEtag.

        A call that ends early stops the work before its next step; then nothing is published.
        """
        async with self._turn:
            stopped = threading.Event()
            work = asyncio.create_task(asyncio.to_thread(self._revised, change, stopped))
            try:
                revised = await asyncio.shield(work)
            except asyncio.CancelledError:
                stopped.set()
                # The next change has to wait for it: a thread cannot be ended.
                await asyncio.gather(work, return_exceptions=True)
                raise
            if revised.revision is not None:
                await self._catalogue.follow(change.parent.kb)
            return revised

    def _revised(self, change: Change, stopped: threading.Event) -> Revised:
        name = change.parent
        parent = self._catalogue.repository.revision(name.kb, name.number)
        if change.etag and change.etag != parent.etag:
            raise StaleEtag(
                f"{parent.name} has the etag {parent.etag}, and the change was made to "
                f"{change.etag}: somebody changed it meanwhile; read it again, and make the change "
                "to what it says now",
                etag=parent.etag,
                expected=change.etag,
            )
        dataset, unmeasured = _data(parent, change)
        return revise(
            parent,
            rules=change.texts.get(RULES),
            labels=change.texts.get(LABELS),
            user=change.texts.get(USER),
            dataset=dataset,
            network=None if dataset is None else load_revision_network(parent, allow=self._allow),
            unmeasured=unmeasured,
            repository=self._catalogue.repository,
            author=change.author,
            note=change.note,
            publish=change.publish,
            watch=Watch(cancelled=stopped.is_set),
        )


def _data(parent: Revision, change: Change) -> tuple[Dataset | None, str]:
    """What the parent was measured on, as far as it is needed; or why it cannot be opened."""
    if RULES not in change.texts and RULES not in parent.edited:
        return None, "no rule was handed in"
    data = parent.manifest.data
    try:
        return open_dataset(data["uri"], seed=int(data["seed"]), labelled=False), ""
    except (BadDataset, OSError) as error:
        return None, f"the server cannot open the data {data['uri']}: {error}"
