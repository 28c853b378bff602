# Checks that this node of a HyperPod cluster is the one that was planned. HyperPod has set Slurm up before it runs this
# script; where it ends with an error the node is not taken into the cluster, and says why in its own log stream.
set -u
export PATH="$PATH:/opt/aws/neuron/bin"
umask 022

# The controller and the node to log in have no accelerators, and are not in the plan.
is_compute() {
  local config=/opt/ml/config/resource_config.json address
  address=$(hostname -I | awk '{print $1}')
  python3 - "$config" "$address" "$BERTH_COMPUTE_GROUP" <<'PYTHON'
import json
import sys

config, address, wanted = sys.argv[1:]
groups = json.load(open(config))["InstanceGroups"]
here = [group["Name"] for group in groups for one in group["Instances"] if one["CustomerIpAddress"] == address]
sys.exit(wanted not in here)
PYTHON
}

accelerators() {
  case $BERTH_PROBE in
    nvidia) nvidia-smi -L 2>/dev/null | grep -c '^GPU ' ;;
    neuron) neuron-ls --json-output 2>/dev/null | grep -c '"neuron_device"' ;;
    *) echo "$BERTH_ACCELERATORS" ;;
  esac
}

efa_devices() {
  ls /sys/class/infiniband 2>/dev/null | wc -l
}

as_planned() {
  [ "$(accelerators)" = "$BERTH_ACCELERATORS" ] && [ "$(efa_devices)" -ge "$BERTH_EFA_DEVICES" ]
}

mkdir -p /etc/berth
printf '%s\n' "$plan" >/etc/berth/plan.env
. /etc/berth/plan.env

if ! is_compute; then
  echo "berth: not a compute node"
  exit 0
fi

# Drivers load late, and some types list their EFA devices minutes after boot.
for _ in $(seq 60); do
  as_planned && break
  sleep 5
done

if as_planned; then
  echo "berth: as planned"
else
  echo "berth: $(accelerators) of $BERTH_ACCELERATORS accelerators, $(efa_devices) of $BERTH_EFA_DEVICES EFA devices"
  exit 1
fi
