"""Which fleet do tests build, compare and lock?"""

from __future__ import annotations

from planner.plan import Engine, Fleet
from tests.support.loopback import ACCOUNT, REGION

CERTIFICATE = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/0f0e0d0c-0b0a-0908-0706-050403020100"
VLLM = Engine(
    name="vllm",
    image="public.ecr.aws/deep-learning-containers/vllm:server-cuda-v1.3",
    command=("--model", "/model", "--port", "8000"),
    port=8000,
    health_path="/health",
    paths=("/v1/*",),
    metrics="http://127.0.0.1:8000/metrics",
    waiting="vllm:num_requests_waiting",
    running="vllm:num_requests_running",
    tokens="vllm:generation_tokens_total",
    keyed=True,
)
FLEET = Fleet(
    engine=VLLM,
    least_nodes=2,
    most_nodes=6,
    waiting_per_node=3,
    running_per_node=32,
    longest_answer_s=90.5,
    weights="s3://my-models/llama-3.1-8b",
    weights_bytes=16_000_000_000,
    certificate=CERTIFICATE,
    issuer=None,
    keys=None,
    registry_secret=None,
    clients=("10.20.0.0/16",),
    zone_ids=("use1-az6",),
    balancer_zone_ids=("use1-az6", "use1-az1"),
)
