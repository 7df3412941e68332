"""Scoring: proxies and architectures -> scores in the store.

`proxy_spec` reads which proxies were requested, `run` says which scores are wanted and lacking, `engine` computes the
proxies of one network, and `workers` is the loop over all `unit_groups`: units in, results out. It uses a `pool` of
processes that `spawner` asks its `fork_server` for, in each of which `worker` runs. `guard` keeps what a plug-in
changes in `process_state` from other proxies, `composites` scores proxies that are made of others, and `combined` reads
one score of each architecture back.
"""

from harness.scoring.run import ContextSpec as ContextSpec
from harness.scoring.run import ExecutionOptions as ExecutionOptions
from harness.scoring.run import Result as Result
from harness.scoring.run import ScoringRun as ScoringRun
from harness.scoring.run import Unit as Unit
from harness.scoring.run import missing_units as missing_units
from harness.scoring.workers import Commits as Commits
from harness.scoring.workers import Workers as Workers
from harness.scoring.workers import compute as compute
from harness.scoring.workers import count_units as count_units
from harness.scoring.workers import faults_told as faults_told
