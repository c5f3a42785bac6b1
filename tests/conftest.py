"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# No test asserts on time, and an example may take long where the machine has other work.
settings.register_profile("no deadline", parent=settings(), deadline=None)
settings.load_profile("no deadline")
