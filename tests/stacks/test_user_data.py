"""The first boot of a node."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from planner.built import Mig
from planner.plan import Build
from pricing.records import replace
from stacks.errors import StackError
from stacks.parts.user_data import BOOT, LIMIT_BYTES, Boot, user_data
from tests.support.builds import FAMILIES, G5_FLEET, G5_SINGLE, NEURON_IMAGE, P4D_CLUSTER, P4D_SINGLE
from tests.support.fleets import VLLM

TRN2 = next(family.build for family in FAMILIES if family.instance_type == "trn2.48xlarge")
CUT = replace(P4D_SINGLE, mig=Mig(profile="1g.5gb", instances=7))
REPORTING = Boot(bucket_name="a-bucket", efa_devices=4, agent="settings", ready_url="https://ready")
SHARING = replace(REPORTING, shared="fs.example@tcp:/abc")
SIGNALLING = Boot(
    bucket_name="a-bucket", efa_devices=0, agent="settings", stack="a-stack", signals="Fleet", key_secret="a-secret"
)
SCRIPTS = sorted(BOOT.glob("*.sh"))


def boot(build: Build, told: Boot = REPORTING) -> str:
    """The user data of a node."""
    return user_data(build, told)


EVERY_BOOT = pytest.mark.parametrize(
    "text",
    [boot(P4D_CLUSTER), boot(P4D_CLUSTER, SHARING), boot(CUT), boot(TRN2), boot(G5_FLEET, SIGNALLING)],
    ids=["cluster", "shared files", "cut", "neuron", "fleet"],
)


@pytest.mark.parametrize(
    ("build", "told", "facts"),
    [
        (P4D_CLUSTER, REPORTING, {"NODES": "4", "ACCELERATORS": "8", "PROBE": "nvidia", "EFA_DEVICES": "4"}),
        (TRN2, REPORTING, {"ACCELERATORS": "16", "PROBE": "neuron", "SCRATCH": "yes"}),
        (replace(G5_SINGLE, nvme_bytes=0), REPORTING, {"WORKLOAD": "serve8b", "SCRATCH": "no", "BUCKET": "a-bucket"}),
        (replace(G5_SINGLE, vendor="AMD", image=NEURON_IMAGE), REPORTING, {"PROBE": "none"}),
        (CUT, REPORTING, {"MIG": "1g.5gb", "MIG_INSTANCES": "7"}),
        # A fleet's node works alone, so that another number of nodes replaces none.
        (G5_FLEET, SIGNALLING, {"NODES": "1", "WAITING": "vllm:num_requests_waiting"}),
    ],
    ids=["p4d", "trn2", "g5", "a vendor without a probe", "cut", "fleet"],
)
def test_the_plan_is_written_on_the_node(build: Build, told: Boot, facts: dict[str, str]) -> None:
    """Workload, size and devices stand in the file that the checks and the launcher read."""
    written = set(re.findall(r"BERTH_(\w+)=([\w.:-]+)", boot(build, told)))
    assert facts.items() <= written


@pytest.mark.parametrize(
    ("build", "told", "steps"),
    [
        (replace(G5_SINGLE, nvme_bytes=0), REPORTING, "start_agent watch_node as_planned"),
        (P4D_CLUSTER, SHARING, "start_agent watch_node as_planned mount_scratch mount_shared"),
        (CUT, REPORTING, "start_agent watch_node as_planned cut_accelerators mount_scratch"),
        (G5_FLEET, SIGNALLING, "start_agent watch_node as_planned mount_scratch serve"),
    ],
    ids=["plain", "shared files", "cut", "fleet"],
)
def test_a_node_takes_the_steps_that_it_needs(build: Build, told: Boot, steps: str) -> None:
    """Devices are counted before anything works on them; each step has its function, and no other has one."""
    text = boot(build, told)
    assert f"steps='{steps}'" in text
    defined = set(re.findall(r"^(\w+)\(\) \{", text, re.MULTILINE))
    every = {"start_agent", "as_planned", "cut_accelerators", "mount_scratch", "mount_shared", "watch_node", "serve"}
    assert defined & every == set(steps.split())


@EVERY_BOOT
def test_the_script_is_a_shell_script(text: str) -> None:
    """Bash accepts it whole."""
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)


@EVERY_BOOT
def test_user_data_is_below_ec2s_limit(text: str) -> None:
    """Even with every step, a quarter of what EC2 takes is left."""
    assert len(text.encode()) < 0.75 * LIMIT_BYTES


def test_user_data_beyond_ec2s_limit_is_refused() -> None:
    """What EC2 would refuse at the launch is refused at the synthesis."""
    with pytest.raises(StackError, match="over EC2's"):
        boot(replace(P4D_CLUSTER, name="x" * LIMIT_BYTES))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
@pytest.mark.parametrize("word", ["AWS_SECRET", "password=", "token=hf", "git clone"])
def test_user_data_holds_no_secret_and_fetches_no_code(script: Path, word: str) -> None:
    """Anybody who may describe the instance may read its user data."""
    assert word not in script.read_text(encoding="utf-8")


def run(script: str, *, folder: Path) -> subprocess.CompletedProcess[str]:
    """A piece of shell with the commands of a folder before the machine's own."""
    return subprocess.run(
        ["bash", "-c", script], env={"PATH": f"{folder}:/usr/bin:/bin"}, text=True, capture_output=True, timeout=30
    )


def commands(folder: Path, **lines: str) -> Path:
    """Commands that do what a line of shell says."""
    for name, line in lines.items():
        path = folder / name.replace("_", "-")
        path.write_text(f"#!/bin/bash\n{line}\n", encoding="utf-8")
        path.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("failing", "printed"),
    [("", ["first", "second", "SUCCESS as planned"]), ("first", ["first", "FAILURE for a reason"])],
    ids=["all well", "one fails"],
)
def test_the_first_failure_ends_the_boot_and_is_reported(tmp_path: Path, failing: str, printed: list[str]) -> None:
    """Steps go in order; what failed is told with its reason, and what comes after it is not done."""
    script = f"""
        steps='first second' reason='for a reason'
        report() {{ echo "$1 $2"; }}
        first() {{ echo first; [ '{failing}' != first ]; }}
        second() {{ echo second; }}
        {(BOOT / "end.sh").read_text(encoding="utf-8")}"""
    done = run(script, folder=tmp_path)
    assert done.stdout.splitlines() == printed
    assert done.returncode == bool(failing)


@pytest.mark.parametrize(("made", "well"), [(14, True), (13, False)])
def test_a_cut_is_verified(tmp_path: Path, made: int, well: bool) -> None:
    """A node of two GPUs, each cut in seven, is well with fourteen instances of the profile, and not with less."""
    folder = commands(
        tmp_path, nvidia_smi=f"for i in $(seq {made}); do echo '  MIG 1g.5gb     Device  0: (UUID: MIG-x)'; done"
    )
    commands(folder, systemctl="true", chmod="true")
    text = (BOOT / "cut.sh").read_text(encoding="utf-8")
    text = text.replace("/usr/local/sbin", str(tmp_path)).replace("/etc/systemd/system", str(tmp_path))
    facts = "BERTH_ACCELERATORS=2 BERTH_MIG=1g.5gb BERTH_MIG_INSTANCES=7"
    done = run(f"{facts}\n{text}\ncut_accelerators; echo $? $reason", folder=folder)
    assert done.stdout.strip() == f"{0 if well else 1} {made} of 14 MIG instances of 1g.5gb"


@pytest.mark.parametrize(
    ("efa", "others", "well"),
    [(8, 0, True), (8, 2, True), (9, 0, True), (7, 2, False), (0, 2, False)],
    ids=["all", "beside NVLink's", "more", "too few", "NVLink's alone"],
)
def test_efa_devices_are_counted_by_their_driver(tmp_path: Path, efa: int, others: int, well: bool) -> None:
    """NVLink's switches beside the EFA devices of a B200 node are none; more devices than planned are well."""
    for driver, count in (("efa", efa), ("mlx5_core", others)):
        for number in range(count):
            device = tmp_path / "infiniband" / f"{driver}{number}" / "device"
            device.mkdir(parents=True)
            (device / "driver").symlink_to(f"../../bus/pci/drivers/{driver}")
    folder = commands(tmp_path, sleep="true")
    text = (BOOT / "check.sh").read_text(encoding="utf-8").replace("/sys/class", str(tmp_path))
    facts = "BERTH_PROBE=none BERTH_ACCELERATORS=8 BERTH_EFA_DEVICES=8"
    done = run(f"{facts}\n{text}\nas_planned && echo well; echo $reason", folder=folder)
    told = "" if well else f"8 of 8 accelerators, {efa} of 8 EFA devices"
    assert done.stdout.strip() == ("well" if well else told)


def test_a_node_without_the_agent_measures_by_itself(tmp_path: Path) -> None:
    """Accelerators on average, the fullest memory, and the host's, under the agent's names."""
    folder = commands(
        tmp_path,
        nvidia_smi="printf '90, 1000\\n70, 3000\\n'",
        free="echo 'total'; echo 'Mem: 200 50 10 1 40 150'",
        df="printf 'Use%%\\n 42%%\\n'",
    )
    text = (BOOT / "watch.sh").read_text(encoding="utf-8")
    pieces = re.search(r"^add\(\).*$", text, re.MULTILINE), text[text.index("gpus() {") : text.index("declare -A last")]
    assert pieces[0] is not None
    script = f"data=() BERTH_PROBE=nvidia\n{pieces[0][0]}\n{pieces[1]}\nmeasure; printf '%s\\n' \"${{data[@]}}\""
    assert run(script, folder=folder).stdout.split() == [
        "MetricName=mem_used_percent,Value=25.0,Unit=Percent",
        "MetricName=disk_used_percent,Value=42,Unit=Percent",
        "MetricName=nvidia_smi_utilization_gpu,Value=80.0,Unit=Percent",
        "MetricName=nvidia_smi_memory_used,Value=3000,Unit=Megabytes",
    ]


PAGE = """# HELP vllm:num_requests_waiting Number of requests waiting to be processed.
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="serve"} 3.0
vllm:num_requests_waiting{engine="1",model_name="serve"} 4.0
vllm:num_requests_waiting_by_reason{reason="capacity"} 99.0
vllm:num_requests_running{engine="0"} 12.0
vllm:generation_tokens_total{engine="0"} 1.25e+06
"""


@pytest.mark.parametrize(
    ("pattern", "total"),
    [(VLLM.waiting, "7"), (VLLM.running, "12"), (VLLM.tokens, "1250000"), ("(vllm:)?num_requests_waiting", "7")],
)
def test_the_engines_counts_are_added_up(tmp_path: Path, pattern: str, total: str) -> None:
    """All series of the name are summed, of replicas on the node, and none whose name only begins like it."""
    found = re.search(r"^total\(\) .*$", (BOOT / "watch.sh").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    done = run(f"{found[0]}\ntotal '{pattern}' <<'END'\n{PAGE}END", folder=tmp_path)
    assert done.stdout == total


def test_what_grows_is_published_as_its_growth(tmp_path: Path) -> None:
    """Nothing at the first look and after a restart, else the difference."""
    text = (BOOT / "watch.sh").read_text(encoding="utf-8")
    since = text[text.index("since() {") : text.index("efa_sent()")]
    script = f"declare -A last\n{since}\nfor seen in 100 250 250 40 ''; do since x $seen; echo \"[$grown]\"; done"
    assert run(script, folder=tmp_path).stdout.split() == ["[]", "[150]", "[0]", "[]", "[]"]


@pytest.mark.parametrize(
    ("secret", "lines"),
    [("echo abc", ["0", "VLLM_API_KEY=abc"]), ("false", ["1"]), ("true", ["1"])],
    ids=["read", "denied", "empty"],
)
def test_no_engine_starts_without_its_key(tmp_path: Path, secret: str, lines: list[str]) -> None:
    """A secret that cannot be read, or is empty, fails the boot; an engine with an empty key would check none."""
    text = (BOOT / "serve.sh").read_text(encoding="utf-8")
    tell = text[text.index("tell() {") : text.index("log_in() {")]
    given = f"keys={tmp_path}/keys\n: >$keys\nsecret() {{ {secret}; }}"
    script = f"{given}\n{tell}\ntell VLLM_API_KEY a-secret\necho $?\ncat $keys"
    assert run(script, folder=tmp_path).stdout.split() == lines
