
# Deep Learning AMIs assemble the local disks themselves; other images leave them raw.
mount_scratch() {
  reason="the local disks could not be mounted at $scratch"
  mountpoint -q "$scratch" && return 0
  timeout 120 systemctl start dlami-nvme.service 2>/dev/null && mountpoint -q "$scratch" && return 0
  if [ ! -e /dev/disk/by-label/berth-scratch ]; then
    local disks volume
    mapfile -t disks < <(lsblk -dpno NAME,MODEL | awk '/Instance Storage/ {print $1}')
    [ ${#disks[@]} -gt 0 ] || return 1
    volume=${disks[0]}
    if [ ${#disks[@]} -gt 1 ]; then
      volume=/dev/md/berth
      mdadm --create "$volume" --run --force --level=0 --raid-devices=${#disks[@]} "${disks[@]}" || return 1
    fi
    mkfs.xfs -f -L berth-scratch "$volume" || return 1
    udevadm settle
  fi
  mkdir -p "$scratch"
  grep -q berth-scratch /etc/fstab || echo "LABEL=berth-scratch $scratch xfs noatime,nofail 0 2" >>/etc/fstab
  mount "$scratch" && chmod 1777 "$scratch"
}
