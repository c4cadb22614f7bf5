import pulumi
import pulumi_trustform as trustform

root = trustform.CertificateAuthority(
    "root",
    type=trustform.CertificateAuthorityType.ROOT,
    common_name="Acme Root CA",
    key_type=trustform.CertificateAuthorityKeyType.EC,
    opts=pulumi.ResourceOptions(protect=True),
)

issuing = trustform.CertificateAuthority(
    "issuing",
    type=trustform.CertificateAuthorityType.INTERMEDIATE,
    common_name="Acme Issuing CA",
    parent=root.name,
    key_type=trustform.CertificateAuthorityKeyType.EC,
    name_constraints={"permitted": {"dns": ["internal.acme.example"]}},
)

servers = trustform.Role(
    "servers",
    ca=issuing.name,
    allowed_domains=["internal.acme.example"],
    allow_subdomains=True,
    max_ttl="90d",
)

web = trustform.Certificate(
    "web",
    role=servers.name,
    domains=["web.internal.acme.example"],
    ttl="30d",
    export_private_key=True,
)

pulumi.export("certificate", web.fullchain_pem)
pulumi.export("not_after", web.not_after)
pulumi.export("private_key", web.private_key_pem)
pulumi.export("root", root.certificate_pem)
