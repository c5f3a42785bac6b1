"""Proofsight server side: networks, quantisers, rules, knowledge bases, reasoning, serving."""
