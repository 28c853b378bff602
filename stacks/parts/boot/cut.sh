
# Cuts every GPU into MIG instances, and counts what came of it. MIG mode is lost at a reset on newer GPUs, the cut at
# every reboot, so that a unit repeats it.
cut_accelerators() {
  cat >/usr/local/sbin/berth-cut <<'END'
#!/bin/bash
. /etc/berth/plan.env
set -e
nvidia-smi -mig 1
nvidia-smi mig -dci || true
nvidia-smi mig -dgi || true
profiles=$(yes "$BERTH_MIG" | head -n "$BERTH_MIG_INSTANCES" | paste -sd,)
nvidia-smi mig -cgi "$profiles" -C
END
  cat >/etc/systemd/system/berth-cut.service <<'END'
[Unit]
Description=Cut the GPUs into MIG instances
After=nvidia-persistenced.service nvidia-fabricmanager.service
Before=docker.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/berth-cut
[Install]
WantedBy=multi-user.target
END
  chmod 755 /usr/local/sbin/berth-cut
  # Whatever holds a GPU keeps it from changing its mode.
  systemctl stop nvidia-dcgm.service 2>/dev/null
  systemctl daemon-reload
  systemctl enable --now berth-cut.service
  systemctl start nvidia-dcgm.service 2>/dev/null
  local made wanted=$((BERTH_ACCELERATORS * BERTH_MIG_INSTANCES))
  made=$(nvidia-smi -L | grep -c "MIG $BERTH_MIG ")
  reason="$made of $wanted MIG instances of $BERTH_MIG"
  [ "$made" = "$wanted" ]
}
