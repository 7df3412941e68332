"""The command `python -m harness.train`, also under torchrun: train one architecture's network."""

import os
import sys

import hydra
from omegaconf import DictConfig

from harness.config import check_words
from harness.errors import HarnessError
from harness.paths import conf_folder
from harness.train.config import CONFIG, quoted, read_training
from harness.train.crew import gathered
from harness.train.export import WEIGHTS, write_onnx
from harness.train.job import Place
from harness.train.loop import HISTORY, train

MISTAKE, INTERRUPTED = 2, 130


@hydra.main(config_path=str(conf_folder()), config_name=CONFIG, version_base="1.3")
def run(config: DictConfig) -> None:
    """One training.

    Raises:
        SystemExit: after a user's mistake, since Hydra would turn the error itself into a traceback.
    """
    try:
        _train(config)
    except HarnessError as error:
        _tell(str(error))
        raise SystemExit(MISTAKE) from None


def _train(config: DictConfig) -> None:
    asked = read_training(config)
    with gathered(asked.place.device) as (crew, device):
        place = Place(**{**vars(asked.place), "device": device})
        outcome = train(asked.job, place, crew)
        if crew.leads:
            epochs = f"{len(outcome.history)} epochs"
            print(f"{asked.job.data_set.name}: {outcome.accuracy:.2f} % after {epochs}")
            written = [HISTORY, WEIGHTS]
            if asked.onnx:
                written.append(write_onnx(outcome.network, asked.job.data_set, place.out).name)
            print(f"{place.out}: {', '.join(written)}")


def main() -> int:
    """Run the command; a user's mistake is one sentence on standard error and exit code 2."""
    try:
        sys.argv[1:] = quoted(sys.argv[1:])
        check_words(sys.argv[1:], CONFIG, read_training)
        run()
    except HarnessError as error:
        _tell(str(error))
        return MISTAKE
    except SystemExit as end:
        return int(end.code or 0)
    except KeyboardInterrupt:
        _tell("Interrupted. Finished epochs are kept; the same command goes on from there.")
        return INTERRUPTED
    return 0


def _tell(sentence: str) -> None:
    """Only the first of several processes speaks."""
    if os.environ.get("RANK", "0") == "0":
        print(sentence, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
