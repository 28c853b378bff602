
# Starts the CloudWatch agent. A node that cannot be watched still works, and its missing figures raise the alarm on
# idle accelerators.
start_agent() {
  local ctl=/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl deb=/run/berth-agent.deb
  if [ ! -x "$ctl" ]; then
    curl -sf --retry 5 -o "$deb" "https://amazoncloudwatch-agent-$BERTH_REGION.s3.$BERTH_REGION.amazonaws.com/ubuntu/$(
      dpkg --print-architecture)/latest/amazon-cloudwatch-agent.deb" && dpkg -i "$deb"
    rm -f "$deb"
  fi
  "$ctl" -a fetch-config -m ec2 -s -c "ssm:$BERTH_AGENT" || echo "berth: the CloudWatch agent did not start" >/dev/console
  return 0
}
