"""The commands of `proofsight` that need the server side."""
