
secret() {
  aws secretsmanager get-secret-value --region "$BERTH_REGION" --secret-id "$1" --query SecretString --output text
}

# Tells the engine a secret, where there is one. An engine must never start with an empty key: it would check none.
tell() {
  [ -n "$2" ] || return 0
  local value
  value=$(secret "$2") && [ -n "$value" ] || return 1
  printf '%s=%s\n' "$1" "$value" >>"$keys"
}

log_in() {
  case $engine_image in
    *.dkr.ecr.*)
      # A registry gives out tokens in its own region alone.
      local place=${engine_image#*.dkr.ecr.}
      aws ecr get-login-password --region "${place%%.*}" |
        docker login --username AWS --password-stdin "${engine_image%%/*}"
      ;;
    nvcr.io/*)
      [ -z "$registry_secret" ] || secret "$registry_secret" | docker login --username '$oauthtoken' --password-stdin nvcr.io
      ;;
  esac
}

# Copies the weights to the local disks, or finds them on the shared file system, and starts the engine; what it must keep
# to itself comes from Secrets Manager, through a file in memory that is gone when it runs.
serve() {
  local home=$scratch keys=/run/berth-engine.env
  [ "$BERTH_SCRATCH" = yes ] || home=/var/lib/berth
  local model=${weights_path:-$home/model}
  mkdir -p "$home/model" "$home/cache" && chmod 777 "$home/cache"
  reason="there are no weights at $model on the shared file system"
  [ -z "$weights_path" ] || [ -n "$(ls -A "$model")" ] || return 1
  if [ -n "$weights" ]; then
    reason="the weights at $weights could not be copied"
    aws configure set default.s3.max_concurrent_requests 32
    aws s3 sync --only-show-errors --region "$BERTH_REGION" "$weights" "$home/model" || return 1
    [ -n "$(ls -A "$home/model")" ] || return 1
  fi
  reason="the image $engine_image could not be pulled"
  log_in || return 1
  for _ in 1 2 3; do
    docker pull -q "$engine_image" && break
    sleep 20
  done
  docker image inspect "$engine_image" >/dev/null || return 1
  reason="the engine's secrets could not be read"
  (
    umask 077
    : >"$keys"
    tell VLLM_API_KEY "$key_secret" && tell NGC_API_KEY "$registry_secret"
  ) || return 1
  reason="the engine did not start"
  docker run --detach --name engine --restart always --gpus all --ipc host --ulimit memlock=-1 \
    --publish "$engine_port:$engine_port" --env-file "$keys" \
    --volume "$model:/model:ro" --volume "$home/cache:/opt/nim/.cache" \
    --log-driver awslogs --log-opt "awslogs-region=$BERTH_REGION" --log-opt "awslogs-group=$log_group" \
    --log-opt "tag=$(instance_id)" \
    "$engine_image" $engine_command || return 1
  rm -f "$keys"
  until curl -sf -m 5 -o /dev/null "http://127.0.0.1:$engine_port$engine_health"; do
    if [ "$(docker inspect --format '{{.RestartCount}}' engine)" -gt 3 ]; then
      reason="the engine ends again and again; its log is in $log_group"
      return 1
    fi
    sleep 10
  done
}
