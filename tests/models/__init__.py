"""Slow plain-Python models of what the compiled core must answer, and the generator that feeds both.

Nothing in this package imports metalith: the models are an independent reading of the rules, checked against the
JavaScript originals, so that an error has to be made twice to stay unseen.
"""
