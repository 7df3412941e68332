"""The table of commands, which help and dispatch read: what each does, its module, settings file and examples."""

from collections.abc import Mapping
from dataclasses import dataclass, field

_SCORES = "Finished scores are kept; run the same command again to continue."
_AGAIN = "Run the same command again."


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        name: the word after `nas-harness`, and after `python -m harness.`.
        module: has `run(settings) -> int | None`, and `read(config) -> settings` where `config` is named.
        summary: one line for the list of commands.
        about: what it does, for its help.
        examples: words that work, three of them.
        config: its file in conf/, without suffix; None: it takes options instead of KEY=VALUE.
        kept: said after Ctrl-C.
        adds: groups of settings in which any key may be given, as `options` and `budget`.
        without: settings of its file that are for evaluations alone, which it refuses.
    """

    name: str
    module: str
    summary: str
    about: str
    examples: tuple[str, ...]
    config: str | None = None
    kept: str = _AGAIN
    adds: Mapping[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()

    @property
    def typed(self) -> str:
        """What stands before the words of the command."""
        return "python -m harness" if self.name == "run" else f"python -m harness.{self.name}"


_OPTIONS = {"options": "+options.NAME.FIELD=VALUE"}
_OF_EVALUATIONS = ("shard", "budget_s", "dry_run", "figures", "style", "column")

COMMANDS: Mapping[str, Command] = {
    command.name: command
    for command in (
        Command(
            "run", "harness.__main__", "score proxies on benchmarks and correlate the scores with the ground truth",
            "Scores proxies on the architectures of benchmarks and correlates the scores with the accuracy after "
            "training: Kendall's tau and Spearman's rho with 95 % confidence intervals, and whether each proxy adds "
            "information beyond counting baselines such as #Params. Writes report.md, agreement.csv, scores and "
            "pictures into a folder, which is printed last.",
            ("proxy=[zico,naswot] bench=nats_tss dataset=digits", "proxy=my_proxy.py sample=all workers=4",
             "-m protocol=paper,suite_zero proxy=synflow"),
            "config", _SCORES, _OPTIONS,
        ),
        Command(
            "data", "harness.data.__main__", "list, fetch, import and verify benchmark tables and images",
            "Lists which ground truth and images are on this machine, fetches and converts what is public, imports "
            "official releases and verifies every file.",
            ("status", "fetch nats_tss", "verify"),
            kept="Incomplete files are ignored. Run the command again.",
        ),
        Command(
            "list", "harness.list.__main__", "list proxies, benchmarks, data sets, ensembles, predictors, ...",
            "Lists what is registered, installed plug-ins included.",
            ("proxies", "benchmarks", "datasets"),
        ),
        Command(
            "describe", "harness.describe", "show one architecture: its counts, its ground truth, its picture",
            "Prints an architecture's counts and ground truth on every data set, and draws it. With --changes lists "
            "what is one step away, with stored scores; with --mark adds it to a file of marks.",
            ("nats_tss 11 --dataset cifar10 --changes", "nasbench101 0 --out cell.png",
             "nats_tss '|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|none~0|none~1|none~2|'"),
        ),
        Command(
            "convert", "harness.convert", "write architectures in another notation",
            "Writes architectures of a benchmark in another notation: official strings, indices, NASLib's tuples, "
            "dictionaries of edges, matrices with operations. Takes architectures, or one CSV or Parquet file, whose "
            "other columns are kept.",
            ("nats_tss 11", "nats_tss '(0, 4, 0, 0, 1, 4)' --to arch", "nasbench101 archs.csv --to spec --out new.csv"),
        ),
        Command(
            "compare", "harness.compare", "show what changed between two runs",
            "Compares two runs row by row. Where versions, ground truth, images or the sample differ, both values are "
            "shown with the reason and without a difference.",
            ("results/runs/A results/runs/B", "A/agreement.csv B/agreement.csv", "A B --csv changes.csv"),
        ),
        Command(
            "page", "harness.page.__main__", "write runs as a folder of static HTML to explore in a browser",
            "Writes runs as one folder of static HTML, opened from the disk without a server, or as one file.",
            ("", "results/runs/A results/runs/B --out my_page", "results/runs/A --single-file page.html"),
        ),
        Command(
            "tables", "harness.tables.__main__", "regenerate published tables from stored scores",
            "Regenerates published tables from score tables, each value next to the published one.",
            ("table=zico_table1", "table=all", "table=zico_table1 store=results/scores.sqlite out=tables"),
            "tables",
        ),
        Command(
            "plan", "harness.plan", "estimate how many architectures an interval of a given width takes",
            "Runs a pilot (by default 1,000 architectures, from the store where they are scored already) and says how "
            "many architectures a 95 % confidence interval of tau of the given width takes.",
            ("width=.05 bench=nats_tss dataset=digits", "width=.02 proxy=[zico,params]", "width=.1 sample=300"),
            "plan", _SCORES, _OPTIONS, _OF_EVALUATIONS,
        ),
        Command(
            "choose", "harness.choose.__main__", "say which ranking to trust and what to train next",
            "From the accuracies of 10 to 200 trained architectures says which proxy, count, ensemble or predictor to "
            "rank the others by, what that is expected to gain, whether the data decide, and what to train next; with "
            "simulate=, what choosing gains on a benchmark whose truth is known.",
            ("truth=accuracies.csv:accuracy bench=nats_tss dataset=digits",
             "truth=accuracies.csv:accuracy proxy=[zico,naswot] k=5",
             "simulate=[20,50] bench=nats_tss dataset=cifar10"),
            "choose", _SCORES, _OPTIONS, _OF_EVALUATIONS,
        ),
        Command(
            "predict", "harness.predict.__main__", "say what n trained networks predict about the others",
            "Fits predictors to the accuracies (or latencies) of 10 to 200 trained networks and measures them on all "
            "others: R2, RMSE, tau and rho by number and draw, beside proxies and counts that learn from nothing; then "
            "chooses the best predicted network within a budget. All of it learns from ground truth.",
            ("bench=nats_sss dataset=cifar10 n=25 budget.flops=100e6", "bench=nats_tss models=random_forest:graf",
             "bench=nats_sss dataset=cifar10 search=[exhaustive,shgo] models=ridge:log_widths"),
            "predict", _AGAIN, {**_OPTIONS, "budget": "budget.COUNT=VALUE"}, _OF_EVALUATIONS,
        ),
        Command(
            "lens", "harness.lens.__main__", "show what proxies follow, which rank alike, what is stable",
            "Shows which counts each proxy follows, which proxies rank alike and what transfers between data sets; "
            "with study=batches, init, inputs or protocols, how stable scores are under other settings; with "
            "study=effects, what each operation or width does to scores and truth; with study=pairs, whether two rank "
            "better than one.",
            ("proxy=[zico,naswot] bench=nats_tss dataset=digits", "study=effects dataset=digits sample=all",
             "study=pairs proxy=[zico,naswot,synflow,params] dataset=digits"),
            "lens", _SCORES, _OPTIONS, _OF_EVALUATIONS,
        ),
        Command(
            "search", "harness.search.__main__", "search for the architecture that a proxy scores highest",
            "Searches for the architecture that a proxy, an ensemble or several objectives score highest, within "
            "budgets, and compares what is found with the best of the space where the ground truth is known.",
            ("search=evolution proxy=zico steps=2000", "search=random proxy=naswot budget.params=5e5 seeds=5",
             "+preset=imagenet_450m workers=8"),
            "search", _SCORES, {**_OPTIONS, "budget": "budget.COUNT=VALUE"},
        ),
        Command(
            "score", "harness.score", "score the architectures of a CSV file",
            "Scores the architectures in the column arch of a CSV file, whether or not ground truth is known.",
            ("nats_tss archs.csv --proxy zico naswot", "imagenet_mbv2 archs.csv --dataset imagenet --inputs noise",
             "nats_tss archs.csv --out scores.csv"),
            kept=_SCORES,
        ),
        Command(
            "train", "harness.train.__main__", "train one architecture's network (also under torchrun)",
            "Trains one architecture's network and writes weights, history and an ONNX file.",
            ("arch=11 recipe.epochs=60", "arch=best.txt dataset=cifar10 device=cuda",
             "bench=imagenet_mbv2 arch=best.txt dataset=imagenet recipe=zico_imagenet"),
            "train", "Finished epochs are kept; run the same command again to continue.",
        ),
        Command(
            "theory", "harness.theory.__main__", "check the theory behind ZiCo: figures 1, 2 and 5 of the paper",
            "Checks the theory behind ZiCo (arXiv:2301.11300, Section 3): figures 1, 2 and 5, and a study of cells; "
            "experiment=validation: what choosing a network by m validation images costs.",
            ("experiment=linear", "experiment=mlp mlp.widths=[64] mlp.n_draws=200", "experiment=training"),
            "theory", "Finished experiments and scores are kept; run the same command again.",
        ),
        Command(
            "check", "harness.check.__main__", "examine a proxy as a plug-in and say what to fix",
            "Examines proxies as plug-ins, one check at a time, and says what to do about each finding.",
            ("my_proxy.py", "zico naswot", "my_proxy.py --quick"),
        ),
        Command(
            "perf", "harness.perf.__main__", "measure what scoring costs on this machine",
            "Measures what scoring and the commands themselves cost on this machine.",
            ("", "help version typo", "zico --cells 100 --out results/perf"),
            kept="Nothing was written; run the same command again.",
        ),
        Command(
            "store", "harness.store.command", "merge score stores, export and load score tables",
            "Merges score stores, writes score tables from a store, or reads them into one.",
            ("merge results/scores.sqlite other.sqlite", "export results/scores.sqlite --bench nats_tss",
             "load results/scores results/scores.sqlite"),
        ),
        Command(
            "submit", "harness.submit", "write a run's rows as records for the public leaderboard",
            "Writes a record of each proxy of a run into results/records: a small folder with scores, statistics and "
            "all that they depend on, to be added by a pull request. Statistics are computed anew from the scores.",
            ("results/runs/A", "results/runs/A --proxy my_proxy", "results/runs/A --out ../fork/results/records"),
        ),
        Command(
            "verify", "harness.verify", "compute records again and say what holds",
            "Computes the statistics of records again from their scores and the ground truth, and the scores of a few "
            "networks, and says what was confirmed. A record's own code is run with --run-code only.",
            ("results/records", "results/records/nats_tss/digits/zico --networks 20",
             "results/records/nats_tss/digits/mine --run-code"),
        ),
        Command(
            "site", "harness.site.__main__", "write the leaderboard of all records as static HTML",
            "Writes a leaderboard of all records as a folder of static HTML without outside requests: it is sorted, "
            "filtered and downloaded in the browser, with a page for each proxy and each benchmark.",
            ("", "--records results/records --out site", "--run results/runs/A --out results/runs/site"),
        ),
        Command(
            "docs", "harness.docs", "say where the documentation is",
            "Prints where the documentation is on this machine, and the project's pages.",
            ("", "--help", "--version"),
        ),
    )
}  # fmt: skip
