"""A pool of Prolog workers with one program loaded in each: the façade of this room.

Any worker can answer any question, since the facts travel with it.  A worker that dies
is replaced; a question whose worker died is asked once more of another, unless the
question itself was the cause.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path
from types import TracebackType
from typing import Self

from proofsight_server.errors import BadOption, BadRevision, NotReady
from proofsight_server.reasoning import answer, attempts
from proofsight_server.reasoning.answer import Description, Explanation, Flip, Solution, Summary
from proofsight_server.reasoning.call import Call, Question, checked, facts_part
from proofsight_server.reasoning.crew import Crew, PoolStats
from proofsight_server.reasoning.facts import FactsFrame
from proofsight_server.reasoning.limits import QueryLimits
from proofsight_server.reasoning.process import Program


class Pool:
    """Prolog workers for one program, shared by all callers on an event loop.

    A context manager: entering starts it, leaving closes it.

    Parameters
    ----------
    directory : Path
        The revision. It stays as it is as long as the pool lives, since a worker that is
        replaced loads it again: of one that people edit, give a copy.
    prolog : Path
        The directory of Proofsight's own Prolog modules.
    workers : int
        How many processes; one per core that Prolog may keep busy.
    limits : QueryLimits, optional
        What one question may cost.
    queue : int
        How many calls may wait for a worker. At 1 ms a call, the last of 256 waits
        a quarter of a second; who comes later does better to ask elsewhere.

    Notes
    -----
    A deadline is an instant of `time.monotonic()`; without one, a call waits in line as
    long as it takes. Limits given with a call bound it further, never less.
    """

    def __init__(
        self,
        directory: Path,
        prolog: Path,
        *,
        workers: int = 2,
        limits: QueryLimits | None = None,
        queue: int = 256,
    ) -> None:
        for name, value, least in (("workers", workers, 1), ("queue", queue, 0)):
            if value < least:
                raise BadOption(
                    f"{name} must be at least {least}, not {value}", option=name, value=value
                )
        self._directory = directory
        self._prolog = prolog
        self._workers = workers
        self._limits = limits or QueryLimits()
        self._queue = queue
        self._crew: Crew | None = None
        self._description: Description | None = None

    async def start(self) -> Description:
        """Start the workers and have them load and check the program.

        Raises
        ------
        BadProgram
            Where the program is refused; `issues` says where and why.
        BadRevision
            Where there is no such directory.
        TimeLimit, MemoryLimit, WorkerLost
            Where loading takes too much, or workers do not come up.
        """
        if not self._directory.is_dir():
            raise BadRevision(
                f"{self._directory} is not a directory; give a revision's", path=self._directory
            )
        program = Program(self._directory.resolve(), self._prolog.resolve())
        self._crew = Crew(program, self._workers, self._limits, self._queue)
        try:
            self._description = await self._crew.start()
        except BaseException:
            await self.close(0)
            raise
        return self._description

    @property
    def description(self) -> Description:
        """What the loaded program is about.

        Raises
        ------
        NotReady
            Before the pool has started.
        """
        return self._ready()[1]

    @property
    def stats(self) -> PoolStats:
        """Workers and calls at this moment."""
        return self._ready()[0].stats()

    async def explain(
        self,
        facts: FactsFrame,
        question: Question | None = None,
        *,
        deadline: float | None = None,
        max_nodes: int | None = None,
        whole: bool = False,
    ) -> Explanation:
        """Why, or why not.

        Parameters
        ----------
        facts : FactsFrame
            The facts of the image.
        question : Question, optional
            What to explain; without it, the program's decision.
        deadline : float, optional
            When the caller stops waiting.
        max_nodes : int, optional
            Most nodes of the proof.
        whole : bool
            Whether refutations of classes leave nothing out.

        Returns
        -------
        dict
            The answer of `service_explain/5`: `decision`, `rule`, `default`, `holds`,
            `root`, `cut_short`, `inferences` and `nodes`. No proof is an answer.

        Raises
        ------
        BadFacts, BadGoal, UnsafeGoal, UnknownClass
            Where the question cannot be asked of this program.
        InferenceLimit, TimeLimit, MemoryLimit
            Where it takes too much.
        Overloaded, Draining, NotReady, WorkerLost
            Where it could not be asked.
        """
        crew, description = self._ready()
        question = question or Question()
        header, payload = facts_part(facts, description)
        header |= {"op": "explain", "question": question.to_header()}
        limits = {
            "inferences": self._limits.inferences,
            "nodes": _least(max_nodes, self._limits.nodes),
        }
        if whole:
            limits["whole"] = True
        call = Call(header, payload, limits, self._limits.seconds, deadline)
        return answer.accepted(await attempts.last_reply(crew, call), description)

    async def flip(
        self,
        facts: FactsFrame,
        class_name: str | None = None,
        *,
        deadline: float | None = None,
        max_steps: int | None = None,
        max_inferences: int | None = None,
    ) -> Flip:
        """The fewest propositions whose change alters the decision.

        Parameters
        ----------
        facts : FactsFrame
            The facts of the image.
        class_name : str, optional
            The class that is wanted; without it, any other decision.
        deadline : float, optional
            When the caller stops waiting.
        max_steps, max_inferences : int, optional
            Most steps of the search, and inferences.

        Returns
        -------
        dict
            The answer of `service_flip/5`. That no change is enough is an answer, and so is what
            was found before a limit.

        Raises
        ------
        ProofsightError
            As for `explain`.
        """
        crew, description = self._ready()
        header, payload = facts_part(facts, description)
        target = ["other"] if class_name is None else ["class", checked(class_name, "class")]
        header |= {"op": "flip", "target": target}
        limits = {
            "inferences": _least(max_inferences, self._limits.inferences),
            "steps": _least(max_steps, self._limits.nodes),
        }
        call = Call(header, payload, limits, self._limits.seconds, deadline)
        return answer.accepted(await attempts.last_reply(crew, call), description)

    async def query(
        self,
        facts: FactsFrame | None,
        goal: str,
        *,
        deadline: float | None = None,
        max_solutions: int | None = None,
        max_inferences: int | None = None,
        max_nodes: int | None = None,
        proofs: bool = False,
    ) -> AsyncGenerator[Solution | Summary, None]:
        """The solutions of a goal as they are found, and at last how the query ended.

        Close the generator (`contextlib.aclosing`) where you leave it early: that ends
        the goal. A reader who is slow makes the worker wait.

        Parameters
        ----------
        facts : FactsFrame, optional
            The facts of the image; None for goals that need no image.
        goal : str
            The goal without the final full stop; the variable `Image` stands for the image.
        deadline : float, optional
            When the caller stops waiting.
        max_solutions, max_inferences, max_nodes : int, optional
            Most solutions, inferences, and nodes of each proof.
        proofs : bool
            Whether each solution comes with its proof.

        Yields
        ------
        Solution or Summary
            The summary last, where the query ended well.

        Raises
        ------
        ProofsightError
            As for `explain`, also after some solutions.
        """
        crew, description = self._ready()
        header, payload = facts_part(facts, description)
        header |= {"op": "query", "goal": checked(goal, "goal")}
        limits = {
            "inferences": _least(max_inferences, self._limits.inferences),
            "nodes": _least(max_nodes, self._limits.nodes),
            "solutions": _least(max_solutions, self._limits.solutions),
            "proofs": proofs,
        }
        call = Call(header, payload, limits, self._limits.seconds, deadline)
        async with contextlib.aclosing(attempts.replies(crew, call)) as replies:
            async for reply in replies:
                if not reply.last:
                    yield answer.solution(reply.payload)
                else:
                    yield answer.summary(answer.accepted(reply.payload, description))

    async def close(self, grace: float | None = None) -> None:
        """Stop: refuse new calls, let those begun or in line end, stop the workers.

        Nothing of the pool outlives this. `grace` is in seconds, by default as long as a
        question may take; calls that take longer are cut off with `Draining`.
        """
        if grace is None:
            grace = self._limits.seconds + self._limits.grace_seconds
        if self._crew is not None:
            await self._crew.close(grace)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _ready(self) -> tuple[Crew, Description]:
        if self._crew is None or self._description is None:
            raise NotReady(f"{self._directory} is not loaded yet; ask again in a moment")
        return self._crew, self._description


def _least(asked: int | None, limit: int) -> int:
    """A caller's own limit, within ours."""
    return limit if asked is None else min(asked, limit)
