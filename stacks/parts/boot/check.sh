
infiniband=/sys/class/infiniband

accelerators() {
  case $BERTH_PROBE in
    nvidia) nvidia-smi -L 2>/dev/null | grep -c '^GPU ' ;;
    neuron) neuron-ls --json-output 2>/dev/null | grep -c '"neuron_device"' ;;
    *) echo "$BERTH_ACCELERATORS" ;;
  esac
}

# By their driver: the switches of NVLink are InfiniBand devices too, two beside the eight of a B200 node (aws-do-eks
# PR 63).
efa_devices() {
  readlink "$infiniband"/*/device/driver 2>/dev/null | grep -c '/efa$'
}

# More EFA devices than were planned do no harm: SageMaker gives a node all that it can have.
complete() {
  [ "$(accelerators)" = "$BERTH_ACCELERATORS" ] && [ "$(efa_devices)" -ge "$BERTH_EFA_DEVICES" ]
}

# Drivers load late, and some types list their EFA devices minutes after boot.
as_planned() {
  for _ in $(seq 60); do
    complete && return 0
    sleep 5
  done
  reason="$(accelerators) of $BERTH_ACCELERATORS accelerators, $(efa_devices) of $BERTH_EFA_DEVICES EFA devices"
  complete
}
