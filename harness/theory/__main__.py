"""The command `python -m harness.theory`: Figures 1, 2 and 5 of the paper, and a training study of NATS-TSS cells."""

import sys
import time
from dataclasses import asdict
from pathlib import Path

import hydra
from omegaconf import DictConfig

from harness.cli.command import exit_code, mistakes_told
from harness.cli.config import check_words
from harness.evaluation.provenance import describe_process
from harness.files.out_folder import out_folder
from harness.paths import conf_folder
from harness.theory.config import expanded, read_theory
from harness.theory.finding import Finding
from harness.theory.images import Collection
from harness.theory.linear import linear
from harness.theory.mlp import mlp, random_mlps
from harness.theory.settings import TheorySettings
from harness.theory.training import training
from harness.theory.write import write_finding


@hydra.main(config_path=str(conf_folder()), config_name="theory", version_base="1.3")
def run(config: DictConfig) -> None:
    """A single run; with `-m`, one per combination."""
    with mistakes_told():
        check_theory(read_theory(config))


def check_theory(settings: TheorySettings) -> Path:
    """Run the experiments, write their files and print their trends; returns the folder, which is printed last.

    Raises:
        HarnessError: for a user error or missing data.
    """
    with out_folder(expanded(settings.out), f"theory-{settings.experiment}") as out:
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


def main() -> int:
    """Run the command; a user error is one sentence on standard error and exit code 2."""
    return exit_code(_checked, "Interrupted. Finished experiments and scores are kept; run the same command again.")


def _checked() -> None:
    check_words(sys.argv[1:], "theory", read_theory)
    run()


if __name__ == "__main__":
    sys.exit(main())
