
report() {
  local instance
  instance=$(instance_id)
  echo "berth: $1: $instance: $2" | tee /dev/console
  # After the stack has been made nobody listens, which is no failure.
  aws cloudformation signal-resource --region "$BERTH_REGION" --stack-name "$stack" --logical-resource-id "$resource" \
    --unique-id "$instance" --status "$1" || true
}
