"""berth launch: what starts the planned job on what was built."""

from __future__ import annotations

from berth.options import WorkloadFile


def launch(workload: WorkloadFile) -> None:
    """Print the batch script that starts a locked training."""
    from planner.errors import LockError
    from planner.launch.slurm import sbatch
    from planner.lock import read_lock
    from planner.places import find_workload, lock_path
    from planner.plan import Target

    path = lock_path(find_workload(workload))
    lock = read_lock(path)
    if lock.build.target is not Target.HYPERPOD_SLURM or lock.plan is None:
        raise LockError(
            f"{path}: only jobs of the target {Target.HYPERPOD_SLURM} have a script yet, and this lock has the target "
            f"{lock.build.target}; set provision.target, or start the job yourself (`berth plan` tells the layout)"
        )
    print(sbatch(lock.build, lock.plan.chosen.layout), end="")
