"""Which file system do all nodes share, and who may reach it?"""

from __future__ import annotations

from aws_cdk import CfnResource, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_fsx as fsx
from constructs import Construct

from planner.plan import FileSystem, Lifecycle
from stacks.parts.network import Network

Lustre = fsx.CfnFileSystem
# Between clients and servers of Lustre (FSx for Lustre user guide, file system access control).
PORTS = ((988, 988), (1018, 1023))
EVENTS = ["NEW", "CHANGED", "DELETED"]


class SharedFiles(Construct):
    """A Lustre file system in the nodes' subnet, which the nodes' group alone reaches.

    A persistent one outlives its stack, and with it the group, subnet and network that it stands in, which cost
    nothing and cannot be deleted under it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        system: FileSystem,
        lifecycle: Lifecycle,
        network: Network,
        nodes_group_id: str,
        key_arn: str | None,
    ) -> None:
        super().__init__(scope, construct_id)
        group = ec2.CfnSecurityGroup(
            self,
            "Group",
            vpc_id=network.vpc_id,
            group_description="Lustre: nodes and its own servers in",
            # Nothing out but to those that a rule names; without any rule EC2 would let everything out.
            security_group_egress=[
                ec2.CfnSecurityGroup.EgressProperty(
                    ip_protocol="tcp",
                    from_port=first,
                    to_port=last,
                    cidr_ip=str(network.block),
                    description="Lustre to its clients",
                )
                for first, last in PORTS
            ],
        )
        among_servers = self._let_in(group.attr_group_id, nodes_group_id, efa=system.efa)
        self._lustre = self._file_system(system, group=group, subnet_id=network.subnet_id, key_arn=key_arn)
        # What mounts it: name, port of Lustre, and the name of what it exports.
        self.dns_name, self.mount_name = self._lustre.attr_dns_name, self._lustre.attr_lustre_mount_name
        if system.data:
            self._link(system.data)
        keep = lifecycle is Lifecycle.PERSISTENT
        policy = RemovalPolicy.RETAIN if keep else RemovalPolicy.DESTROY
        around = network.made if keep else []
        for resource in (self._lustre, group, *among_servers, *around):
            resource.apply_removal_policy(policy, apply_to_update_replace_policy=True)

    def _let_in(self, own: str, nodes: str, *, efa: bool) -> list[CfnResource]:
        """Lets clients and servers in; with EFA everything, both ways, since EFA passes rules on groups alone.

        Returns the rules among the servers themselves, which these need as long as they stand.
        """
        among_servers: list[CfnResource] = []
        for name, peer in (("Nodes", nodes), ("Servers", own)):
            rules: list[CfnResource] = []
            for first, last in ((-1, -1),) if efa else PORTS:
                rule = ec2.CfnSecurityGroupIngress(
                    self,
                    f"From{name}{'' if efa else first}",
                    group_id=own,
                    ip_protocol="-1" if efa else "tcp",
                    from_port=None if efa else first,
                    to_port=None if efa else last,
                    source_security_group_id=peer,
                    description="Lustre, over EFA too" if efa else "Lustre",
                )
                rules.append(rule)
            if efa:
                way_out = ec2.CfnSecurityGroupEgress(
                    self,
                    f"To{name}",
                    group_id=own,
                    ip_protocol="-1",
                    destination_security_group_id=peer,
                    description="Lustre over EFA",
                )
                rules.append(way_out)
            if peer == own:
                among_servers += rules
        if efa:
            ec2.CfnSecurityGroupIngress(
                self,
                "NodesFrom",
                group_id=nodes,
                ip_protocol="-1",
                source_security_group_id=own,
                description="Lustre over EFA",
            )
            ec2.CfnSecurityGroupEgress(
                self,
                "NodesTo",
                group_id=nodes,
                ip_protocol="-1",
                destination_security_group_id=own,
                description="Lustre over EFA",
            )
        return among_servers

    def _file_system(
        self, system: FileSystem, *, group: ec2.CfnSecurityGroup, subnet_id: str, key_arn: str | None
    ) -> Lustre:
        return Lustre(
            self,
            "Files",
            file_system_type="LUSTRE",
            file_system_type_version="2.15",
            storage_type="SSD",
            storage_capacity=system.capacity_gib,
            subnet_ids=[subnet_id],
            kms_key_id=key_arn,
            security_group_ids=[group.attr_group_id],
            lustre_configuration=Lustre.LustreConfigurationProperty(
                deployment_type="PERSISTENT_2",
                per_unit_storage_throughput=system.mb_per_s_per_tib,
                data_compression_type="LZ4",
                efa_enabled=True if system.efa else None,
                metadata_configuration=Lustre.MetadataConfigurationProperty(mode="AUTOMATIC"),
            ),
        )

    def _link(self, data: str) -> None:
        """Shows the objects below /data, and brings what changes on either side to the other."""
        association = fsx.CfnDataRepositoryAssociation
        association(
            self,
            "Data",
            file_system_id=self._lustre.ref,
            file_system_path="/data",
            data_repository_path=data,
            batch_import_meta_data_on_create=True,
            s3=association.S3Property(
                auto_import_policy=association.AutoImportPolicyProperty(events=EVENTS),
                auto_export_policy=association.AutoExportPolicyProperty(events=EVENTS),
            ),
        )
