#!/bin/bash
# One evaluation as a SLURM job array: each task scores its shard into a store on the node's own disk, and saves a copy of
# it on the shared disk after every piece of work. Preempted, killed or at its time limit, a task goes on where it stopped.
#
#     sbatch --array=0-15 examples/slurm/array.sh 'proxy=[zico,naswot]' bench=nats_tss dataset=cifar10 sample=all
#     N_SHARDS=16 sbatch --array=3,7 examples/slurm/array.sh ...      # some of the tasks again, with the same words
#     # when all tasks have ended
#     python -m harness.store merge /tmp/all.sqlite shards/*.sqlite
#     python -m harness 'proxy=[zico,naswot]' bench=nats_tss dataset=cifar10 sample=all store=/tmp/all.sqlite
#
#SBATCH --job-name=nas-harness
#SBATCH --cpus-per-task=4
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@120
set -u

SHARDS=${SHARDS:-$PWD/shards}   # on the shared disk
LOCAL=${LOCAL:-${SLURM_TMPDIR:-/tmp}/nas-harness-$(id -un)-$SLURM_ARRAY_JOB_ID}   # on the node's own disk
PIECE_S=${PIECE_S:-600}         # seconds between two copies
PYTHON=${PYTHON:-python}
SHARD=slurm                     # the place of the task in the array
if [[ -n ${N_SHARDS:-} ]]; then SHARD=$SLURM_ARRAY_TASK_ID/$N_SHARDS; fi
OF=${N_SHARDS:-$SLURM_ARRAY_TASK_COUNT}
for word in "$@"; do
    case $word in shard=* | store=* | budget_s=* | workers=*)
        echo "array.sh gives $word itself; SHARDS=, LOCAL=, PIECE_S=, N_SHARDS= and --cpus-per-task are its settings." >&2
        exit 2 ;;
    esac
done
TASK=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
name=shard-$SLURM_ARRAY_TASK_ID.sqlite
store=$LOCAL/$name
mkdir -p "$SHARDS" "$LOCAL"
( set -C; echo "$OF" > "$SHARDS/n_shards" ) 2>/dev/null || true   # by the first task
if [[ $(<"$SHARDS/n_shards") != "$OF" ]]; then
    echo "$SHARDS holds shards of $(<"$SHARDS/n_shards"), this is one of $OF: give N_SHARDS=$(<"$SHARDS/n_shards"), or another SHARDS=." >&2
    exit 2
fi

save() {   # a whole copy takes the place of the one before; one that is cut off takes none
    if [[ -s $store ]]; then
        cp -p "$store" "$SHARDS/.$name.$TASK" && mv "$SHARDS/.$name.$TASK" "$SHARDS/$name"
    fi
}

stop() {   # finished scores are committed by the harness when it is told to end
    trap '' USR1 TERM
    kill -TERM "$pid" 2>/dev/null
    wait "$pid"
    save
    if [[ $1 == requeue ]]; then
        scontrol requeue "$TASK"
    fi
    exit 0
}
trap 'stop requeue' USR1   # SLURM's warning before the time limit
trap 'stop end' TERM       # preemption: SLURM itself puts a task with --requeue into the queue again

if [[ -s $SHARDS/$name && ( ! -s $store || $SHARDS/$name -nt $store ) ]]; then   # another node has done more
    cp -p "$SHARDS/$name" "$store"
fi

code=3   # "budget_s ended before everything was scored"
while [[ $code == 3 ]]; do
    "$PYTHON" -m harness "$@" shard="$SHARD" store="$store" workers="${SLURM_CPUS_PER_TASK:-1}" budget_s="$PIECE_S" &
    pid=$!
    wait "$pid"
    code=$?
    save
done
exit "$code"
