"""Evaluation: scores and truth -> agreement and verdicts, written as a report.

`request` looks up and opens what is asked for: `pairs` of benchmark and data set. Of each, `evaluation_set` is a sample
(drawn by `sampling` from a `population`, of which a `restriction` may leave a part) with its truth. `proxy_columns` and
`external_scores` give the `score_columns` that are compared with it, `analysis` does the statistics of one set,
`evaluation` composes the stages, and `provenance` says what was run. `budget` ends the scoring in time, `shards` scores
a part for a job array, and `forecast` says what it would cost. `costs` are counts that a search or restriction limits,
`marks` architectures that were picked out, and `changes` what is one step from one.
"""

from harness.evaluation.evaluation import Evaluation as Evaluation
from harness.evaluation.evaluation import evaluate as evaluate
from harness.evaluation.forecast import forecast as forecast
from harness.evaluation.own_models import evaluate_models as evaluate_models
from harness.evaluation.request import ask as ask
from harness.evaluation.request import defined_proxies as defined_proxies
from harness.evaluation.shards import score_shard as score_shard
