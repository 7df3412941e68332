"""The command `python -m harness.theory`: the paper's figures 1, 2 and 5, and a study of cells, with trends."""

import sys
import time
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import hydra
from omegaconf import DictConfig

from harness.config import check_words
from harness.errors import HarnessError, OptionError
from harness.paths import conf_folder
from harness.provenance import describe_process
from harness.theory.config import expanded, read_theory
from harness.theory.finding import Finding
from harness.theory.images import Collection
from harness.theory.linear import linear
from harness.theory.mlp import mlp, random_mlps
from harness.theory.settings import TheorySettings
from harness.theory.training import training
from harness.theory.write import write_finding

MISTAKE, INTERRUPTED = 2, 130


@hydra.main(config_path=str(conf_folder()), config_name="theory", version_base="1.3")
def run(config: DictConfig) -> None:
    """One run; `-m` makes one per combination.

    Raises:
        SystemExit: after a user's mistake, since Hydra would turn the error itself into a traceback.
    """
    try:
        check_theory(read_theory(config))
    except HarnessError as error:
        print(error, file=sys.stderr)
        raise SystemExit(MISTAKE) from None


def check_theory(settings: TheorySettings) -> Path:
    """Run the experiments, write their files and print their trends; returns the folder, which is printed last.

    Raises:
        HarnessError: for a user's mistake or missing data.
    """
    out = _made_out(settings)
    for experiment in settings.experiments:
        started, started_cpu = time.monotonic(), time.process_time()
        finding = _found(settings, experiment, out)
        provenance = describe_process("harness.theory") | {
            "seed": settings.seed,
            "images": finding.source,
            "wall_s": round(time.monotonic() - started, 1),
            "cpu_s": round(time.process_time() - started_cpu, 1),
            "config": asdict(getattr(settings, experiment)),
        }
        write_finding(out, finding, provenance)
        print(f"{finding.title}\n  images: {finding.source}")
        for found in finding.trends:
            where = f" ({found.setting})" if found.setting else ""
            low, high = found.rho_interval
            claimed = f"; that it {found.claim.value}: {found.verdict}" if found.claim.value else ""
            print(f"  {found.y} with {found.x}{where}: rho {found.rho:.3f} [{low:.3f}, {high:.3f}]{claimed}")
    print(out)
    return out


def _found(settings: TheorySettings, experiment: str, out: Path) -> Finding:
    if experiment == "training":
        return training(settings, out)
    collection = Collection(settings.data, settings.seed)
    if experiment == "linear":
        return linear(settings.linear, collection.training(settings.linear.n_images), settings.seed)
    if experiment == "mlp":
        sets = collection.training(settings.mlp.n_training), collection.test(settings.mlp.n_test)
        return mlp(settings.mlp, *sets, settings.seed)
    chosen = settings.random_mlps
    return random_mlps(chosen, collection.training(chosen.n_training), collection.test(chosen.n_test), settings.seed)


def _made_out(settings: TheorySettings) -> Path:
    """The folder of results, made now, so that one that cannot be written is known before anything is computed."""
    out = expanded(settings.out)
    if out is None:
        base = Path("results/runs") / f"theory-{settings.experiment}-{datetime.now():%Y%m%d-%H%M%S}"
        out, copy = base, 1
        while out.exists():
            copy += 1
            out = base.with_name(f"{base.name}-{copy}")
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OptionError(f"out={out} cannot be written: {error.strerror}. Give another folder.") from None
    return out


def main() -> int:
    """Run the command; a user's mistake is one sentence on standard error and exit code 2."""
    try:
        check_words(sys.argv[1:], "theory", read_theory)
        run()
    except HarnessError as error:
        print(error, file=sys.stderr)
        return MISTAKE
    except SystemExit as end:
        return int(end.code or 0)
    except KeyboardInterrupt:
        print("Interrupted. Finished experiments and scores are kept; run the same command again.", file=sys.stderr)
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
