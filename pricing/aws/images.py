"""Which machine image does a public SSM parameter name today? (Systems Manager GetParameter)"""

from __future__ import annotations

from pricing.aws.session import asked, client
from pricing.errors import MarketError

ACTION = "ssm:GetParameter"
# A synth must not hang on a network that drops packets: two seconds, tried once.
READ_S = 2


def resolve_image(parameter: str, region: str) -> str:
    """The image id that the public parameter holds in the region.

    Raises MarketError without credentials, permission (`ssm:GetParameter`), network or such a parameter.
    """
    try:
        with asked(ACTION, region):
            answer = client("ssm", region, read_s=READ_S, attempts=1).get_parameter(Name=parameter)
    except MarketError as error:
        raise MarketError(f"The machine image {parameter} cannot be looked up: {'; '.join(error.findings)}") from None
    image = answer.get("Parameter", {}).get("Value")
    if not image:
        raise MarketError(f"The machine image {parameter} cannot be looked up in {region}: the answer names none.")
    return str(image)
