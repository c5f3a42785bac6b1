"""Which revisions answer: the newest of each knowledge base, and older ones on demand."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from pathlib import Path

from proofsight_server.errors import NotReady, ProofsightError
from proofsight_server.extraction.loading import load_revision_network
from proofsight_server.knowledge.repository import Repository
from proofsight_server.knowledge.revision import files_stamp, program_etag
from proofsight_server.serving.configuration import Configuration
from proofsight_server.serving.hosting import Host
from proofsight_server.serving.names import RevisionName

OLD_REVISIONS = 2  # kept loaded beside the newest ones; each costs a network and its workers
_log = logging.getLogger("proofsight.serving")


class Catalogue:
    """The hosts of a repository.

    A new revision is loaded and checked beside the old one and then swapped in; calls under
    way finish on the old one. A revision whose files were edited in place or replaced, or that
    got facts beside its program, counts as new.
    A revision that cannot be loaded leaves the one before it serving, also at the start, and its
    problem is told: weights that are not those of the manifest, for one.  An older one, asked for
    by its number, is read again for the next call, which then gets the problem as its error.
    One whose whole knowledge base is removed answers no more.
    """

    def __init__(
        self,
        repository: Repository,
        settings: Configuration,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.repository = repository
        self._settings = settings
        self._changed = changed
        self._newest: dict[str, Host] = {}
        self._older: OrderedDict[RevisionName, Host] = OrderedDict()
        self._problems: dict[str, tuple[RevisionName, tuple[str, str], str]] = {}
        self._loading = asyncio.Lock()
        self._following = asyncio.Lock()
        self._retiring: set[asyncio.Task[None]] = set()
        self._watch: asyncio.Task[None] | None = None
        self.loaded_once = False

    @property
    def ready(self) -> bool:
        """Whether all knowledge bases were tried and one at least answers."""
        return self.loaded_once and bool(self._newest)

    async def open(self) -> None:
        """Load the newest revision of every knowledge base, then keep watching."""
        await self.refresh()
        self.loaded_once = True
        self._changed()
        if self._settings.refresh:
            self._watch = asyncio.create_task(self._keep_watching())

    async def close(self) -> None:
        """Stop watching and close all hosts."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        for task in self._retiring:
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)
        hosts = [*self._newest.values(), *self._older.values()]
        self._newest.clear()
        self._older.clear()
        await asyncio.gather(*(host.close() for host in hosts))

    def problem(self, kb: str) -> str:
        """Why the newest revision of `kb` is not loaded; empty where it is."""
        return self._problems[kb][2] if kb in self._problems else ""

    def serves(self, kb: str) -> int | None:
        """The number of the revision that answers for `kb`."""
        host = self._newest.get(kb)
        return None if host is None else host.name.number

    @asynccontextmanager
    async def use(self, text: str) -> AsyncIterator[Host]:
        """The host that answers to a resource name, held for one call."""
        name = RevisionName.parse(text)
        host = await self._find(name)
        async with host.use():
            yield host

    async def _find(self, name: RevisionName) -> Host:
        newest = self._newest.get(name.kb)
        if newest is not None and name.number in (None, newest.name.number):
            return newest
        if name in self._older:
            self._older.move_to_end(name)
            return self._older[name]
        number = name.number
        if number is None:
            await asyncio.to_thread(self.repository.latest, name.kb)  # raises UnknownKnowledgeBase
            problem = self.problem(name.kb)
            raise NotReady(
                f"knowledge base {name.kb} cannot be used: {problem}"
                if problem
                else f"knowledge base {name.kb} is not loaded yet; try again in a moment",
                name=str(name),
            )
        async with self._loading:
            if name in self._older:
                return self._older[name]
            host = await self._load(name)
            self._older[name] = host
            while len(self._older) > OLD_REVISIONS:
                _, oldest = self._older.popitem(last=False)
                self._retire(oldest)
            return host

    async def _load(self, name: RevisionName) -> Host:
        # Before anything is read: what changes while it is read is then seen by the next look.
        stamp = await asyncio.to_thread(files_stamp, self._directory(name))
        revision = await asyncio.to_thread(self.repository.revision, name.kb, name.number)
        allow = frozenset(self._settings.allow_models)
        network = await asyncio.to_thread(load_revision_network, revision, allow=allow)
        host = Host(name, revision, network, self._settings, stamp)
        try:
            await host.start()
        except BaseException:
            await host.close()
            raise
        return host

    def _retire(self, host: Host) -> None:
        task = asyncio.create_task(host.retire())
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    # --- following the repository ---------------------------------------------

    async def _keep_watching(self) -> None:
        while True:
            await asyncio.sleep(self._settings.refresh)
            try:
                await self.refresh()
            except Exception:
                _log.exception("looking at the repository failed")

    async def refresh(self) -> None:
        """Look at the repository once: load what is new in it, let go of what is gone."""
        present = await asyncio.to_thread(self.repository.knowledge_bases)
        for kb in present:
            await self.follow(kb)
        if gone := self._newest.keys() - set(present):
            await self._forget(gone)
        await self._let_changed_go()

    async def follow(self, kb: str) -> None:
        """Bring what answers for `kb` up to its newest revision, or remember why not."""
        async with self._following:  # the watch, and a call that published a revision
            await self._follow(kb)

    async def _follow(self, kb: str) -> None:
        name, state = RevisionName(kb), ("", "")
        newest = self._newest.get(kb)
        try:
            name = RevisionName(kb, await asyncio.to_thread(self.repository.latest, kb))
            state = await asyncio.to_thread(_state, self._directory(name))
            if newest is not None and (newest.name, newest.state) == (name, state):
                self._problems.pop(kb, None)
                return
            if kb in self._problems and self._problems[kb][:2] == (name, state):
                return
            async with self._loading:
                host = await self._load(name)
        except (ProofsightError, OSError) as error:
            _log.warning("knowledge base %s: %s", kb, error)
            self._problems[kb] = (name, state, str(error))
            if newest is None:
                await self._fall_back(kb, name.number)
            self._changed()
            return
        self._problems.pop(kb, None)
        self._newest[kb] = host
        _log.info("%s answers", name)
        if newest is not None:
            self._retire(newest)
        self._changed()

    async def _fall_back(self, kb: str, failed: int | None) -> None:
        """Load the newest revision before the failed one that can be loaded, if there is any."""
        if failed is None:
            return
        for number in reversed(await asyncio.to_thread(self.repository.revisions, kb)):
            if number >= failed:
                continue
            name = RevisionName(kb, number)
            try:
                async with self._loading:
                    self._newest[kb] = await self._load(name)
            except (ProofsightError, OSError) as error:
                _log.warning("knowledge base %s: %s", kb, error)
            else:
                _log.warning("%s answers until a newer revision can be loaded", name)
                return

    async def _forget(self, gone: AbstractSet[str]) -> None:
        """Answer no more for knowledge bases whose directories were removed."""
        async with self._following:
            back = set(await asyncio.to_thread(self.repository.knowledge_bases))
            for kb in gone - back:
                _log.warning("knowledge base %s is gone from the repository", kb)
                self._problems.pop(kb, None)
                self._retire(self._newest.pop(kb))
                for name in [name for name in self._older if name.kb == kb]:
                    self._retire(self._older.pop(name))
        self._changed()

    async def _let_changed_go(self) -> None:
        """Hold no older revision whose files are not those that it was loaded from."""
        for name, host in list(self._older.items()):
            state = await asyncio.to_thread(_state, self._directory(name))
            if state != host.state and self._older.get(name) is host:
                _log.info("%s changed on the disk", name)
                self._retire(self._older.pop(name))

    def _directory(self, name: RevisionName) -> Path:
        return self.repository.root / name.kb / str(name.number)


def _state(directory: Path) -> tuple[str, str]:
    """What a revision is reloaded for when it changes; see `Host.state`."""
    return program_etag(directory), files_stamp(directory)
