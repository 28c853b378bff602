
report() {
  local instance
  instance=$(instance_id)
  echo "berth: $1: $instance: $2" | tee /dev/console
  curl -sf --retry 10 --retry-all-errors -X PUT -H 'Content-Type:' "$ready_url" --data-binary \
    "{\"Status\": \"$1\", \"UniqueId\": \"$instance\", \"Data\": \"\", \"Reason\": \"$instance: $2\"}"
}
