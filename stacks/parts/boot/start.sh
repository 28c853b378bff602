# Checks that this node is the one that was planned, makes it ready, and reports to the stack.
set -u
export PATH="$PATH:/opt/aws/neuron/bin"
umask 022
mkdir -p /etc/berth
printf '%s\n' "$plan" >/etc/berth/plan.env
. /etc/berth/plan.env

scratch=/opt/dlami/nvme
# Why the step that failed last did.
reason=

instance_id() {
  local token
  token=$(curl -sf --retry 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' http://169.254.169.254/latest/api/token)
  curl -sf --retry 5 -H "X-aws-ec2-metadata-token: $token" http://169.254.169.254/latest/meta-data/instance-id
}
