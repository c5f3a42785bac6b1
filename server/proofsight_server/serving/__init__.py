"""Serving: the gRPC services, the network's batches, and the life of the server."""
