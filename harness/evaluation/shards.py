"""The evaluation of a shard: one part of the scores, in a store of its own, and no statement about the whole."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import OptionError
from harness.evaluation.budget import Unfinished, Work, in_random_order, score_within
from harness.evaluation.pairs import Skipped
from harness.evaluation.provenance import Asked, describe_run
from harness.evaluation.request import Opened, open_request
from harness.files.atomic import write_whole
from harness.placement import Shard
from harness.scoring import ExecutionOptions
from harness.scoring.composites import ensure
from harness.scoring.shards import archs_of_shard
from harness.store import ScoreStore


@dataclass(frozen=True)
class ShardScores:
    """What a shard has scored.

    Attributes:
        shard: which one.
        store: its score store.
        finished: per evaluation set, the architectures of the shard and those of them that are scored.
        skipped: as of an evaluation.
    """

    shard: Shard
    store: Path
    finished: Sequence[Unfinished]
    skipped: Sequence[Skipped]

    @property
    def is_finished(self) -> bool:
        """Whether all of it is scored."""
        return all(one.n_finished == one.n_asked for one in self.finished)


def score_shard(asked: Asked) -> ShardScores:
    """Score the shard of the settings; beside the store goes a file .run.json with what was run.

    Raises:
        HarnessError: for a user error or missing data, before anything is computed.
    """
    settings = asked.settings
    shard = settings.part
    if shard is None:
        raise OptionError("score_shard was given settings without a shard; use Settings(shard='0/16').")
    opened = open_request(asked)
    works = [_work(opened, at, shard) for at in range(len(opened.found))]
    if settings.budget_s is not None:
        finished = score_within(works, settings)
    else:
        execution = ExecutionOptions.of(settings)
        with ScoreStore(settings.store_path) as store:
            for work in works:
                for run in work.runs:
                    ensure(run, work.archs, store, execution)
        finished = [Unfinished(work.name, len(work.archs), len(work.archs), 0.0) for work in works]
    _write_record(opened, shard, finished)
    return ShardScores(shard, settings.store_path, finished, opened.skipped)


def _work(opened: Opened, at: int, shard: Shard) -> Work:
    evaluated, runs = opened.found[at][0], opened.all_runs(at)
    settings = opened.asked.settings
    archs = evaluated.archs if settings.budget_s is None else in_random_order(evaluated, settings)
    return Work(evaluated.name, runs, tuple(archs_of_shard(runs[0], archs, shard)))


def _write_record(opened: Opened, shard: Shard, finished: Sequence[Unfinished]) -> None:
    runs = [run for at in range(len(opened.found)) for run in opened.all_runs(at)]
    described = describe_run(opened.asked, [evaluated for evaluated, _, _ in opened.found], runs, opened.skipped)
    part = {"/".join(one.name): {"architectures": one.n_asked, "scored": one.n_finished} for one in finished}
    store = opened.asked.settings.store_path
    record = json.dumps({**described, "shard": {"name": str(shard), **part}}, indent=2) + "\n"
    write_whole(store.with_suffix(".run.json"), record.encode())
