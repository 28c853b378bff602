
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

complete() {
  [ "$(accelerators)" = "$BERTH_ACCELERATORS" ] && [ "$(efa_devices)" = "$BERTH_EFA_DEVICES" ]
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
