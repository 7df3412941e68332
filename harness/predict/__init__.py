"""Few-shot prediction: from the accuracies of n trained networks to those of all others, and what that is worth.

A predictor (registry `predictors`) and a set of features (`features`: widths, the graph in `graf`, stored scores) are a
model. `study` fits each model to draws of n networks and measures it on the others, `choosing` picks the best predicted
network within a budget, `references` are the training-free rankings beside it, and `report` writes tables and figure.
All models here learn from ground truth, and every file says from how much of it.
"""
