"""What Elasticsearch is told of who asks, and how its own identity is checked."""

import base64
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from elastic_transport import TlsError

from services.candidates.elastic.cluster import open_client
from services.candidates.settings import CandidatesSettings
from tests.support.elasticsearch_proxy import ElasticsearchProxy, answered

INFO = {"name": "node", "version": {"number": "8.19.0", "build_flavor": "default"}, "tagline": "You Know, for Search"}


def settings(address: str, said: Mapping[str, str]) -> CandidatesSettings:
    """As an operator says it: all values are text."""
    return CandidatesSettings.model_validate({"elasticsearch_url": address, **said})


def proxy() -> ElasticsearchProxy:
    async def info(_: object) -> object:
        return answered(INFO)

    return ElasticsearchProxy(fault=info)  # type: ignore[arg-type]  # it answers everything


@pytest.mark.parametrize(
    ("said", "authorization"),
    [
        ({}, None),
        (
            {"elasticsearch_username": "shop", "elasticsearch_password": "geheim ü:"},
            "Basic " + base64.b64encode("shop:geheim ü:".encode()).decode(),
        ),
        ({"elasticsearch_api_key": "a2V5"}, "ApiKey a2V5"),
        ({"elasticsearch_api_key": "a2V5", "elasticsearch_username": "shop"}, "ApiKey a2V5"),
    ],
)
async def test_the_login_that_is_set_is_sent(said: Mapping[str, str], authorization: str | None) -> None:
    async with proxy().open() as cluster, open_client(settings(cluster.address, said)) as client:
        await client.info()
    (asked,) = cluster.asked
    assert asked.headers.get("Authorization") == authorization


async def test_an_authority_that_is_named_is_trusted_and_no_other(tmp_path: Path) -> None:
    authority, key = certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(authority, key)
    async with proxy().open(tls) as cluster:
        said = {"elasticsearch_ca_certs": str(authority), "elasticsearch_api_key": "a2V5"}
        async with open_client(settings(cluster.address, said)) as client:
            assert (await client.info())["tagline"] == INFO["tagline"]
        async with open_client(settings(cluster.address, {"elasticsearch_api_key": "a2V5"})) as client:
            with pytest.raises(TlsError):
                await client.info()
    assert len(cluster.asked) == 1  # the key was shown to nobody whose identity is not known


def certificate(folder: Path) -> tuple[Path, Path]:
    """Writes a certificate of this machine that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    authority, secret = folder / "authority.pem", folder / "key.pem"
    authority.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return authority, secret
