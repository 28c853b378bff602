"""Is a CloudFormation template one that comes up, does what it says, and is safe?

Needs neither CDK nor network: it reads templates as text, whoever wrote them.
"""
