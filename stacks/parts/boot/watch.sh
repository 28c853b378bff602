
# Starts what publishes the counts that the CloudWatch agent does not know and, where there is no agent of ours, those
# that it would.
watch_node() {
  cat >/usr/local/bin/berth-watch <<'END'
#!/bin/bash
. /etc/berth/plan.env
export PATH="$PATH:/opt/aws/neuron/bin"
# Adds up all series of a name on a page of metrics.
total() { awk -v name="^($1)([{ ]|$)" '$0 ~ name {sum += $NF; found = 1} END {if (found) printf "%.0f", sum}'; }
add() { if [ -n "$2" ]; then data+=("MetricName=$1,Value=$2,Unit=$3"); fi; }
# What was counted since the last look; nothing at the first, or after a restart.
since() {
  local before=${last[$1]:-}
  if [ -n "$2" ]; then last[$1]=$2; fi
  grown=
  if [ -n "$before" ] && [ -n "$2" ] && [ "$2" -ge "$before" ]; then grown=$(($2 - before)); fi
}
efa_sent() { cat /sys/class/infiniband/*/ports/*/hw_counters/{tx_bytes,rdma_write_bytes,rdma_read_resp_bytes} 2>/dev/null |
  awk '{sum += $1; found = 1} END {if (found) printf "%.0f", sum}'; }
neuron_use() { timeout 20 neuron-monitor 2>/dev/null | head -n 1 | python3 -c '
import json, sys
cores = [
    core["neuroncore_utilization"]
    for runtime in json.load(sys.stdin).get("neuron_runtime_data", [])
    for core in runtime["report"]["neuroncore_counters"]["neuroncores_in_use"].values()
]
print(sum(cores) / len(cores) if cores else 0)'; }
gpus() { nvidia-smi --query-gpu=utilization.gpu,memory.used --format=csv,noheader,nounits 2>/dev/null |
  awk -F, '{n++; busy += $1; if ($2 > most) most = $2} END {if (n) printf "%.1f %d", busy / n, most}'; }
# What the agent measures, under its names.
measure() {
  local busy most
  add mem_used_percent "$(free | awk '/^Mem:/ {printf "%.1f", 100 * ($2 - $7) / $2}')" Percent
  add disk_used_percent "$(df --output=pcent / | tr -dc 0-9)" Percent
  [ "$BERTH_PROBE" = nvidia ] || return
  read -r busy most < <(gpus)
  add nvidia_smi_utilization_gpu "$busy" Percent
  add nvidia_smi_memory_used "$most" Megabytes
}
declare -A last
while true; do
  data=() page=
  [ -n "$BERTH_AGENT" ] || measure
  [ -z "$BERTH_METRICS" ] || page=$(curl -sf -m 10 "$BERTH_METRICS")
  if [ -n "$page" ]; then
    add waiting_requests "$(total "$BERTH_WAITING" <<<"$page")" Count
    [ -z "$BERTH_RUNNING" ] || add running_requests "$(total "$BERTH_RUNNING" <<<"$page")" Count
    if [ -n "$BERTH_TOKENS" ]; then
      since tokens "$(total "$BERTH_TOKENS" <<<"$page")"
      add tokens "$grown" Count
    fi
  fi
  # A job that wants its speed on the dashboard writes the tokens of the last minute here.
  reported=$(find /run/berth/tokens -mmin -2 -exec head -n 1 {} + 2>/dev/null)
  if [[ $reported =~ ^[0-9]+$ ]]; then add tokens "$reported" Count; fi
  if [ "$BERTH_EFA_DEVICES" != 0 ]; then
    since efa "$(efa_sent)"
    add efa_sent "$grown" Bytes
  fi
  [ "$BERTH_PROBE" != neuron ] || add neuroncore_utilization "$(neuron_use)" Percent
  [ ${#data[@]} = 0 ] ||
    aws cloudwatch put-metric-data --region "$BERTH_REGION" --namespace "Berth/$BERTH_WORKLOAD" --metric-data "${data[@]}"
  sleep 60
done
END
  cat >/etc/systemd/system/berth-watch.service <<'END'
[Unit]
Description=Publish what this node counts
[Service]
ExecStart=/usr/local/bin/berth-watch
Restart=always
RestartSec=60
[Install]
WantedBy=multi-user.target
END
  chmod 755 /usr/local/bin/berth-watch
  mkdir -p -m 1777 /run/berth
  systemctl daemon-reload
  systemctl enable --now berth-watch.service
  return 0
}
