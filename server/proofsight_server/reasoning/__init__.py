"""Prolog worker processes, their pool, and the frames between them.

`pool.Pool` is the way in. This package imports nothing by itself, since a worker imports
it too and has to start fast.
"""
