"""Sentences about the published file: figures that crossed a bound, and the week."""
