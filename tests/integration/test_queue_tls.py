"""The queue over TLS: who is believed, and what is said of who is not."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from redis.exceptions import ConnectionError as RedisConnectionError

from mtproto_bridge.queue.keys import Keys
from tests.queue_servers import ME, PATIENCE, Launch, Server, answer, exchanging


def make_certificate(folder: Path, name: str, *addresses: str) -> Path:
    """A certificate that signs itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    uses = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign"), False
    ) | {"encipher_only": False, "decipher_only": False}
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=True, **uses), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(one)) for one in addresses]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    return file


@asynccontextmanager
async def tls_in_front(server: Server, certificate: Path, clients: Path | None = None) -> AsyncIterator[str]:
    """The server behind a TLS hop, which may want certificates of clients; the URL to it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients)
    running: set[asyncio.Task[None]] = set()

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await source.read(65_536):
                target.write(chunk)
                await target.drain()
        target.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", server.port)
        for one in (pump(reader, behind_writer), pump(behind_reader, writer)):
            task = asyncio.create_task(one)
            running.add(task)
            task.add_done_callback(running.discard)

    proxy = await asyncio.start_server(forward, "127.0.0.1", 0, ssl=context)
    # A client that leaves in the handshake is what these tests are about: asyncio would log it.
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    try:
        yield f"rediss://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
    finally:
        proxy.close()
        await proxy.wait_closed()
        async with asyncio.timeout(PATIENCE):
            while running:
                await asyncio.wait(set(running))


async def test_a_tls_server_is_believed_if_its_authority_is_named_and_its_name_is_right(
    launch: Launch, tmp_path: Path
) -> None:
    server = launch()
    here, elsewhere = make_certificate(tmp_path, "here", "127.0.0.1"), make_certificate(tmp_path, "there", "192.0.2.1")
    async with tls_in_front(server, here) as url:
        assert await answer(f"{url}?ssl_ca_certs={here}", "PING") == "PONG"
        assert await answer(f"{url}?ssl_cert_reqs=none", "PING") == "PONG"
        for options in ("", f"?ssl_ca_certs={elsewhere}", "?ssl_check_hostname=no"):
            with pytest.raises(RedisConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
                await answer(url + options, "PING")
        async with exchanging(f"{url}?ssl_ca_certs={here}", Keys()) as client:
            assert (await client.list_balances(ME)).balances == []
        with pytest.raises(RedisConnectionError):
            await answer(url.replace("rediss", "redis"), "PING")
    async with tls_in_front(server, elsewhere) as url:
        assert await answer(f"{url}?ssl_ca_certs={elsewhere}&ssl_check_hostname=no", "PING") == "PONG"
        with pytest.raises(RedisConnectionError, match="IP address mismatch"):
            await answer(f"{url}?ssl_ca_certs={elsewhere}", "PING")


async def test_a_tls_server_that_wants_a_certificate_of_ours_gets_it(launch: Launch, tmp_path: Path) -> None:
    here, ours = make_certificate(tmp_path, "here", "127.0.0.1"), make_certificate(tmp_path, "ours", "127.0.0.1")
    async with tls_in_front(launch(), here, clients=ours) as url:
        assert await answer(f"{url}?ssl_ca_certs={here}&ssl_certfile={ours}&ssl_keyfile={ours}", "PING") == "PONG"
        with pytest.raises(RedisConnectionError):
            await answer(f"{url}?ssl_ca_certs={here}", "PING")


async def test_a_certificate_file_that_is_not_there_is_said(launch: Launch) -> None:
    with pytest.raises(RedisConnectionError, match="No such file"):
        await answer(f"{launch().url.replace('redis', 'rediss')}?ssl_ca_certs=nowhere.pem", "PING")
