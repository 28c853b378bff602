"""Which machine image does a public SSM parameter name today? (Systems Manager GetParameter)"""

from __future__ import annotations

from pricing.errors import MarketError

# A plan must not hang on a network that drops packets: two seconds each, tried once.
TIMEOUT_S = 2


def resolve_image(parameter: str, region: str) -> str:
    """The image id that the public parameter holds in the region.

    Raises MarketError without credentials, permission (`ssm:GetParameter`), network or such a parameter.
    """
    # A synth imports this module, and needs boto3 only the one time that it has an image to look up.
    from boto3.session import Session
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    quick = Config(connect_timeout=TIMEOUT_S, read_timeout=TIMEOUT_S, retries={"total_max_attempts": 1})
    try:
        answer = Session(region_name=region).client("ssm", config=quick).get_parameter(Name=parameter)
    except (BotoCoreError, ClientError) as error:
        raise MarketError(f"The machine image {parameter} cannot be looked up in {region}: {error}") from None
    return str(answer["Parameter"]["Value"])
