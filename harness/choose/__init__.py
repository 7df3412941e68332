"""Choosing what to train next: from the accuracies of some trained architectures to a ranking of the others.

Into it flow accuracies (`trained`) and scores (`scores`), together a `Pool`; `rankings` are what may rank it: proxies
and ensembles as they are, and predictors that learn from the accuracies. `nested` cross-validates them and the choice
between them, `pairs` gives tau with its standard error, `finding` says what is known and `proposals` what to train
next; `report` writes it down. `simulation` does all of this on benchmarks whose truth is known.
"""
