"""Scoring: proxies and architectures -> scores in the store.

`proxy_spec` reads which proxies were asked for, `run` says which scores are wanted and lacking, `engine` computes the
proxies of one network, `workers` does so in processes, and `composites` scores proxies that are made of others.
"""

from harness.scoring.run import ContextSpec as ContextSpec
from harness.scoring.run import ExecutionOptions as ExecutionOptions
from harness.scoring.run import Result as Result
from harness.scoring.run import ScoringRun as ScoringRun
from harness.scoring.run import Unit as Unit
from harness.scoring.run import missing_units as missing_units
from harness.scoring.workers import COMMIT_EVERY_S as COMMIT_EVERY_S
from harness.scoring.workers import compute as compute
from harness.scoring.workers import count_units as count_units
from harness.scoring.workers import split_units as split_units
from harness.scoring.workers import work_on as work_on
