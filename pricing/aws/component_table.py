"""Which products of the Price List are the parts of a plan's bill?

Fields and values as in infracost's resource files (@95ba4f49, internal/resources/aws), checked against recorded
GetProducts answers in TypeOneLabs/tellury (@c2acfab3: EBS, public addresses) and against usage types quoted from the
Price List by its readers in 2026: FSx for Lustre (`USW2-Storage`, `USW2-Storage.SSD.250`), CloudWatch
(`USE2-DataProcessing-Bytes`, `USW2-CW:AlarmMonitorUsage`), EKS, NAT, load balancers, S3, data transfer.

A GB of AWS is a GiB in EBS, FSx, S3, logs and transfer: volumes are sold in GiB, and the bands of transfer and
storage begin at 10,240 and 51,200. Bytes between zones are charged on both sides, each at this price.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from pricing.aws.bands import PER_HOUR
from pricing.price import Component
from pricing.units import KIB

# What a unit of the list holds of ours. Spelling varies by service: EBS has `GB-Mo` and `GB-month`.
_PER_GIB_MONTH = {"gb-mo": 1, "gb-month": 1}
_PER_GIB = {"gb": 1}
_PER_REQUEST = {"requests": 1}


class Query(Struct, frozen=True):
    """One question to GetProducts: a service, and what its products must match besides the region.

    `region_field` is the attribute that names the region; empty where the service is priced for all at once.
    `usage` is a part of every usage type asked for, where nothing else tells few products from many.
    """

    service: str
    filters: tuple[tuple[str, str], ...] = ()
    region_field: str = "regionCode"
    usage: str = ""


class Source(Struct, frozen=True):
    """Where a component is priced: a usage type, less its region (`USE2-`), and how many of ours a unit holds."""

    query: Query
    usage: str
    units: Mapping[str, int]


_EBS = Query("AmazonEC2", (("volumeApiName", "gp3"),))
_LUSTRE = Query("AmazonFSx", (("operation", "CreateFileSystem:Lustre"), ("storageType", "SSD")))
_S3_STORAGE = Query("AmazonS3", (("productFamily", "Storage"), ("volumeType", "Standard")))
_S3_REQUESTS = Query("AmazonS3", (("productFamily", "API Request"),))
_CLOUDWATCH = Query("AmazonCloudWatch")
# Dashboards are sold once for all regions: their region is empty, their location is "Any".
_DASHBOARDS = Query("AmazonCloudWatch", (("productFamily", "Dashboard"),), region_field="")
_NAT = Query("AmazonEC2", (("productFamily", "NAT Gateway"),))
_ENDPOINT = Query("AmazonVPC", (("productFamily", "VpcEndpoint"),))
_ADDRESS = Query("AmazonVPC", (("group", "VPCPublicIPv4Address"),))
_OUT = Query("AWSDataTransfer", (("transferType", "AWS Outbound"), ("toLocation", "External")), "fromRegionCode")
_ZONES = Query("AWSDataTransfer", (("transferType", "IntraRegion"),), "fromRegionCode")
# The Application Load Balancer; the hour of a Network Load Balancer costs the same, its unit three quarters.
_BALANCER = Query("AWSELB", (("productFamily", "Load Balancer-Application"),))
# Auto Mode has a product for every instance type.
_EKS = Query("AmazonEKS", usage="AmazonEKS-Hours:perCluster")

SOURCES: Mapping[Component, Source] = {
    Component.EBS_GP3_GIB_MONTH: Source(_EBS, "EBS:VolumeUsage.gp3", _PER_GIB_MONTH),
    Component.EBS_GP3_IOPS_MONTH: Source(_EBS, "EBS:VolumeP-IOPS.gp3", {"iops-mo": 1}),
    # 40.96 USD a GiB/s in us-east-1: 0.04 a MiB/s.
    Component.EBS_GP3_MIB_PER_S_MONTH: Source(_EBS, "EBS:VolumeP-Throughput.gp3", {"gibps-mo": KIB, "mibps-mo": 1}),
    Component.FSX_LUSTRE_SCRATCH_GIB_MONTH: Source(_LUSTRE, "Storage", _PER_GIB_MONTH),
    Component.FSX_LUSTRE_PERSISTENT_125_GIB_MONTH: Source(_LUSTRE, "Storage.SSD.125", _PER_GIB_MONTH),
    Component.FSX_LUSTRE_PERSISTENT_250_GIB_MONTH: Source(_LUSTRE, "Storage.SSD.250", _PER_GIB_MONTH),
    Component.FSX_LUSTRE_PERSISTENT_500_GIB_MONTH: Source(_LUSTRE, "Storage.SSD.500", _PER_GIB_MONTH),
    Component.FSX_LUSTRE_PERSISTENT_1000_GIB_MONTH: Source(_LUSTRE, "Storage.SSD.1000", _PER_GIB_MONTH),
    Component.S3_STANDARD_GIB_MONTH: Source(_S3_STORAGE, "TimedStorage-ByteHrs", _PER_GIB_MONTH),
    Component.S3_PUT_REQUEST: Source(_S3_REQUESTS, "Requests-Tier1", _PER_REQUEST),
    Component.S3_GET_REQUEST: Source(_S3_REQUESTS, "Requests-Tier2", _PER_REQUEST),
    Component.LOGS_INGESTED_GIB: Source(_CLOUDWATCH, "DataProcessing-Bytes", _PER_GIB),
    Component.LOGS_STORED_GIB_MONTH: Source(_CLOUDWATCH, "TimedStorage-ByteHrs", _PER_GIB_MONTH),
    Component.METRIC_MONTH: Source(_CLOUDWATCH, "CW:MetricMonitorUsage", {"metrics": 1}),
    Component.ALARM_MONTH: Source(_CLOUDWATCH, "CW:AlarmMonitorUsage", {"alarms": 1}),
    Component.DASHBOARD_MONTH: Source(_DASHBOARDS, "DashboardsUsageHour", {"dashboards": 1}),
    Component.NAT_GATEWAY_HOUR: Source(_NAT, "NatGateway-Hours", PER_HOUR),
    Component.NAT_GATEWAY_GIB: Source(_NAT, "NatGateway-Bytes", _PER_GIB),
    Component.INTERFACE_ENDPOINT_HOUR: Source(_ENDPOINT, "VpcEndpoint-Hours", PER_HOUR),
    Component.INTERFACE_ENDPOINT_GIB: Source(_ENDPOINT, "VpcEndpoint-Bytes", _PER_GIB),
    Component.PUBLIC_ADDRESS_HOUR: Source(_ADDRESS, "PublicIPv4:InUseAddress", PER_HOUR),
    Component.TRANSFER_OUT_GIB: Source(_OUT, "DataTransfer-Out-Bytes", _PER_GIB),
    Component.TRANSFER_BETWEEN_ZONES_GIB: Source(_ZONES, "DataTransfer-Regional-Bytes", _PER_GIB),
    Component.LOAD_BALANCER_HOUR: Source(_BALANCER, "LoadBalancerUsage", PER_HOUR),
    Component.LOAD_BALANCER_UNIT_HOUR: Source(_BALANCER, "LCUUsage", {"lcu-hrs": 1}),
    Component.EKS_CLUSTER_HOUR: Source(_EKS, "AmazonEKS-Hours:perCluster", PER_HOUR),
}
"""Every component but PCS's controllers, of whose products no public source quotes a usage type (see `pcs`)."""
