
# Mounts the shared file system; the client's kernel module must be of the running kernel.
mount_shared() {
  reason="there is no Lustre client for kernel $(uname -r); name an image that has one"
  if ! modprobe lustre 2>/dev/null; then
    local key=/usr/share/keyrings/fsx-ubuntu-public-key.gpg
    curl -sf --retry 5 https://fsx-lustre-client-repo-public-keys.s3.amazonaws.com/fsx-ubuntu-public-key.asc |
      gpg --dearmor --yes -o "$key" || return 1
    echo "deb [signed-by=$key] https://fsx-lustre-client-repo.s3.amazonaws.com/ubuntu $(lsb_release -cs) main" \
      >/etc/apt/sources.list.d/fsxlustreclientrepo.list
    apt-get update -q && apt-get install -qy "lustre-client-modules-$(uname -r)" && modprobe lustre || return 1
  fi
  reason="the file system $BERTH_SHARED could not be mounted at /fsx"
  mkdir -p /fsx
  cat >/etc/systemd/system/fsx.mount <<END
[Unit]
After=network-online.target
Wants=network-online.target
[Mount]
What=$BERTH_SHARED
Where=/fsx
Type=lustre
Options=noatime,flock
[Install]
WantedBy=multi-user.target
END
  systemctl daemon-reload
  for _ in $(seq 10); do
    systemctl enable --now fsx.mount && mountpoint -q /fsx && return 0
    sleep 6
  done
  return 1
}
