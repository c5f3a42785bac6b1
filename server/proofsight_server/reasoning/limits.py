"""What one question may cost, and what a whole worker may hold."""

from __future__ import annotations

from dataclasses import dataclass, fields

from proofsight_server.errors import BadOption

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """The limits of one question, cheapest first; each default with its reason.

    A caller's own limits bound a question further, never less.
    """

    inferences: int = 1_000_000
    """Logical inferences: the same on every machine. An explanation takes some thousands,
    and a million take about 0.1 s."""

    seconds: float = 5.0
    """Wall-clock time in Prolog, bounded by the caller's deadline too. For built-ins that
    work long within one inference; nobody waits longer for a proof."""

    stack_bytes: int = 256 * MIB
    """Prolog's own stacks. The largest proof that `nodes` allows takes a tenth of it."""

    memory_bytes: int = 1024 * MIB
    """Address space above that of the loaded worker, held by the kernel. Above
    `stack_bytes`, since Prolog copies a stack to let it grow, and atoms and tables lie
    outside the stacks."""

    nodes: int = 10_000
    """Proof nodes in an answer: more than anyone reads, about 1.5 MB of JSON. Also the steps of a
    search for changes."""

    solutions: int = 1_000
    """Solutions of one query; who wants more asks a narrower goal."""

    grace_seconds: float = 0.5
    """How long a worker may stay silent after its time before it is killed. Prolog looks
    for its alarm at every call; garbage collection of a full stack takes some 0.2 s."""

    load_seconds: float = 60.0
    """Time to start a worker and load and check a revision; a thousand rules take about
    a second, and machines at start are busy."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise BadOption(
                    f"{field.name} must be greater than 0, not {value}",
                    option=field.name,
                    value=value,
                )
        if self.memory_bytes < 2 * self.stack_bytes:
            raise BadOption(
                f"memory_bytes must be at least twice stack_bytes ({self.stack_bytes}), since "
                f"Prolog copies a stack to let it grow; it is {self.memory_bytes}",
                option="memory_bytes",
                value=self.memory_bytes,
            )
