"""The command `python -m harness.train`, also under torchrun: train one architecture's network."""

import sys

import hydra
from omegaconf import DictConfig

from harness.cli.command import exit_code, mistakes_told
from harness.cli.config import check_words, quoted
from harness.paths import conf_folder
from harness.train.config import CONFIG, read_training
from harness.train.export import WEIGHTS, write_onnx
from harness.train.job import RunLocation
from harness.train.loop import HISTORY, train
from harness.train.process_group import gathered


@hydra.main(config_path=str(conf_folder()), config_name=CONFIG, version_base="1.3")
def run(config: DictConfig) -> None:
    """A single training run."""
    with mistakes_told():
        _train(config)


def _train(config: DictConfig) -> None:
    request = read_training(config)
    with gathered(request.location.device) as (group, device):
        location = RunLocation(**{**vars(request.location), "device": device})
        outcome = train(request.job, location, group)
        if group.leads:
            epochs = f"{len(outcome.history)} epochs"
            print(f"{request.job.data_set.name}: {outcome.accuracy:.2f} % after {epochs}")
            written = [HISTORY, WEIGHTS]
            if request.onnx:
                written.append(write_onnx(outcome.network, request.job.data_set, location.out).name)
            print(f"{location.out}: {', '.join(written)}")


def main() -> int:
    """Run the command; a user error is one sentence on standard error and exit code 2."""
    return exit_code(_checked, "Interrupted. Finished epochs are kept; run the same command again to continue.")


def _checked() -> None:
    sys.argv[1:] = quoted(sys.argv[1:], "arch")
    check_words(sys.argv[1:], CONFIG, read_training)
    run()


if __name__ == "__main__":
    sys.exit(main())
