"""A reproduction of ZiCo's theory: Li et al., ICLR 2023, arXiv:2301.11300, Section 3 and Figures 1, 2 and 5.

`python -m harness.theory experiment=linear|mlp|random_mlps|all|training`;
docs/explanation/theory.md derives the bounds.
`experiment=coverage` is about the harness's own statistics: whether its intervals cover.
`experiment=validation` says what it costs to choose a network by m validation images, and how many images and trainings
a proxy saves that draws up a shortlist first.
"""
