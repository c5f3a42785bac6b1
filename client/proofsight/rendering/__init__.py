"""Proofs and facts as text for people, and as Prolog."""
