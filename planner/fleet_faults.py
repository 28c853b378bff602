"""What of a fleet that serves behind a load balancer cannot be had, or not together?"""

from __future__ import annotations

from collections.abc import Iterator

from planner.containers import is_keyed, pinned_image
from planner.plan import Target
from planner.provisioning import Serving
from planner.source import Fault, FieldPath
from planner.weights_place import place_faults
from planner.workload import Workload
from pricing.offer import Purchase


def fleet_faults(workload: Workload) -> Iterator[Fault]:
    """Everything of a fleet's provisioning that cannot be; of other targets, that they are no fleet."""
    provision = workload.provision
    if provision.target is not Target.SERVING_FLEET:
        if provision.serving:
            yield ("provision", "serving"), "only the target serving-fleet serves; set provision.target to it"
        return
    yield from _fleet(workload)
    yield from _served(provision.serving or Serving())
    yield from place_faults(workload)
    yield from _mixed(workload)


def _fleet(workload: Workload) -> Iterator[Fault]:
    """What the target itself rules out."""
    limits = workload.limits
    if workload.training:
        yield ("provision", "target"), "a serving-fleet serves; give inference in place of training"
    if Purchase.CAPACITY_BLOCK in limits.purchase:
        yield ("limits", "purchase"), "a capacity block ends, and a service goes on; take another purchase"
    if workload.provision.mig:
        yield ("provision", "mig"), "the engines of a serving-fleet take whole GPUs; leave mig out"


def _mixed(workload: Workload) -> Iterator[Fault]:
    """What keeps a share of the nodes from being spot ones."""
    path: FieldPath = ("inference", "fleet", "spot_share")
    if not workload.inference or not workload.inference.fleet.spot_share:
        return
    if workload.provision.reservation:
        yield path, "spot instances cannot use a reservation; drop one"
    if workload.limits.purchase == (Purchase.SPOT,):
        yield path, "limits.purchase has all nodes on spot already; add on-demand there, or leave the share out"


def _served(asked: Serving) -> Iterator[Fault]:
    path: FieldPath = ("provision", "serving")
    if asked.certificate is None:
        yield (
            path,
            "a fleet speaks HTTPS; name a certificate of AWS Certificate Manager in certificate "
            "(for an internal name, one of AWS Private CA), since keys and prompts would pass in plain HTTP without it",
        )
    if asked.jwt and asked.api_key:
        yield (*path, "api_key"), "the load balancer checks signed tokens, and nobody a key; leave this or jwt out"
    elif asked.api_key and not is_keyed(asked.container):
        yield (*path, "api_key"), f"{asked.container} checks no API key; leave it out, and give jwt"
    elif asked.jwt is None and not is_keyed(asked.container):
        yield path, f"{asked.container} checks no API key, so that whoever reaches it may use it; give jwt"
    if asked.image is None and not pinned_image(asked.container):
        yield path, f"each {asked.container} image brings its model; name one in image, with its version"
    if asked.container == "nim":
        if asked.registry_secret is None:
            yield path, "nim is pulled with an NGC key; name the secret that holds it in registry_secret"
        if asked.weights:
            yield (*path, "weights"), "nim fetches its own weights; leave weights out"
    elif asked.weights is None:
        yield path, f"{asked.container} has no weights to serve; say where they stand in weights (s3://...)"
    if asked.least_nodes and asked.most_nodes and asked.least_nodes > asked.most_nodes:
        yield (*path, "least_nodes"), f"{asked.least_nodes} is more than most_nodes, {asked.most_nodes}"
