
# The last piece of a HyperPod node's life-cycle script. HyperPod has set Slurm up before it runs it; where it ends with
# an error the node is not taken into the cluster, and says why in its own log stream.
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

mkdir -p /etc/berth
printf '%s\n' "$plan" >/etc/berth/plan.env
. /etc/berth/plan.env

if ! is_compute; then
  echo "berth: not a compute node"
  exit 0
fi
watch_node
if ! as_planned; then
  echo "berth: $reason"
  exit 1
fi
echo "berth: as planned"
