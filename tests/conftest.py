"""What holds for all tests."""

from __future__ import annotations

import signal

from hypothesis import settings

# No test asserts on time, and an example may take long where the machine has other work.
settings.register_profile("random", parent=settings(), deadline=None)
# The same examples every time, so that a change fails for what it changed alone.
settings.register_profile("fixed", parent=settings.get_profile("random"), derandomize=True)
settings.load_profile("fixed")

# A shell's `&` has what it starts ignore ^C, and so would the processes that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
