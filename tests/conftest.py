"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# No test asserts on time, and an example may take long where the machine has other work.
settings.register_profile("random", parent=settings(), deadline=None)
# The same examples every time, so that a change fails for what it changed alone.
settings.register_profile("fixed", parent=settings.get_profile("random"), derandomize=True)
settings.load_profile("fixed")
