"""Interactions: one image's score as a sum of AND and OR effects of its regions."""
