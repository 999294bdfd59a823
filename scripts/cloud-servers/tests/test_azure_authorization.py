"""Microsoft's own client against the server."""

import base64
import hashlib
import hmac
import json
import random
from datetime import datetime
from urllib.parse import quote, urlencode

from azure.core.credentials import AccessToken
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
)
from azure.storage.blob import (
    AccessPolicy,
    BlobSasPermissions,
    BlobServiceClient,
    ContainerClient,
    ContainerSasPermissions,
    ContentSettings,
    generate_account_sas,
    generate_blob_sas,
    generate_container_sas,
)

from . import support
from .clients import azure_client, soon


class AuthorizationTests(support.Case):
    @classmethod
    def setUpClass(cls):
        cls.server = support.azure()
        cls.service = azure_client(cls.server)
        cls.container = cls.service.create_container(support.name("auth"))
        cls.container.upload_blob("a b/ä", b"content", content_settings=ContentSettings(content_type="text/plain"))
        cls.path = f"/{cls.service.account_name}/{cls.container.container_name}"
        cls.account, cls.key = support.azure_key()
        cls.entra = cls.server.control("GET", "entra")

    def ask(self, query, method="GET", body=None, name="a b/ä", **headers):
        headers = {key.replace("_", "-"): value for key, value in headers.items()}
        return self.server.ask(method, f"{self.path}/{quote(name)}?{query}", body, headers)

    def sas(self, name="a b/ä", permission="r", key=None, **options):
        options = {"expiry": soon()} | options
        return generate_blob_sas(self.account, self.container.container_name, name, account_key=key or self.key, permission=permission, **options)

    def test_a_wrong_key(self):
        wrong = azure_client(self.server, account=(self.account, base64.b64encode(b"x" * 64).decode()))
        with self.assertRaises(ClientAuthenticationError) as raised:
            list(wrong.list_containers())
        self.assertEqual((raised.exception.status_code, raised.exception.error_code), (403, "AuthenticationFailed"))
        with self.server.rule(path=self.path, clock_offset=1000):
            with self.assertRaises(ClientAuthenticationError):
                self.container.get_container_properties()
        made = self.server.control("POST", "accounts", {})
        own = azure_client(self.server, account=(made["account"], made["key"]))
        own.create_container("mine")
        self.server.control("POST", "rotate", {"account": made["account"]})
        with self.assertRaises(ClientAuthenticationError):
            own.create_container("other")

    def test_sas(self):
        status, headers, body = self.ask(self.sas(content_disposition="inline", content_type="x/y"))
        self.assertEqual((status, body, headers["content-disposition"], headers["content-type"]), (200, b"content", "inline", "x/y"))
        self.assertEqual(self.ask(self.sas(), "HEAD")[0], 200)
        good = self.sas()
        mutated = good[:-4] + ("A" if good[-4] != "A" else "B") + good[-3:]
        for case, query, code in (
            ("another signature", mutated, "AuthenticationFailed"),
            ("more permissions", good.replace("sp=r", "sp=rw"), "AuthenticationFailed"),
            ("longer", good.replace("se=20", "se=21"), "AuthenticationFailed"),
            ("another blob", self.sas("other"), "AuthenticationFailed"),
            ("over", self.sas(expiry=soon(seconds=-5)), "AuthenticationFailed"),
            ("not yet", self.sas(start=soon(seconds=30)), "AuthenticationFailed"),
            ("another key", self.sas(key=base64.b64encode(b"x" * 64).decode()), "AuthenticationFailed"),
            ("no reading", self.sas(permission="w"), "AuthorizationPermissionMismatch"),
            ("https only", self.sas(protocol="https"), "AuthorizationProtocolMismatch"),
            ("another address", self.sas(ip="10.0.0.1"), "AuthorizationSourceIPMismatch"),
        ):
            with self.subTest(case):
                status, headers, _ = self.ask(query)
                self.assertEqual((status, headers["x-ms-error-code"]), (403, code))
        self.assertEqual(self.ask(self.sas(), "PUT", b"x", x_ms_blob_type="BlockBlob")[0], 403)
        self.assertEqual(self.ask(self.sas(), "DELETE")[0], 403)
        created = self.sas("new", permission="c")
        self.assertEqual(self.ask(created, "PUT", b"1", name="new", x_ms_blob_type="BlockBlob")[0], 201)
        self.assertEqual(self.ask(created, "PUT", b"2", name="new", x_ms_blob_type="BlockBlob")[0], 403)

    def test_random_names(self):
        draw = random.Random(8)
        for _ in range(30):
            name = "".join(draw.choice("ab/ +%&=?~'()*!@:;,#äß€😀\"<>") for _ in range(draw.randint(1, 30))).strip("./") or "x"
            self.container.upload_blob(name, name.encode(), overwrite=True)
            self.assertEqual(self.ask(self.sas(name, content_disposition=name), name=name)[2], name.encode(), name)

    def test_sas_of_containers_and_accounts(self):
        permission = ContainerSasPermissions(read=True, list=True)
        query = generate_container_sas(self.account, self.container.container_name, account_key=self.key, permission=permission, expiry=soon())
        self.assertEqual(self.ask(query)[0], 200)
        client = ContainerClient(f"{self.server.url}/{self.account}", self.container.container_name, credential=query)
        self.assertIn("a b/ä", [blob.name for blob in client.list_blobs()])
        with self.assertRaises(HttpResponseError):
            client.upload_blob("new", b"x")
        account_sas = generate_account_sas(self.account, self.key, "o", "rl", soon(), services="b")
        self.assertEqual(self.ask(account_sas)[0], 200)
        self.assertEqual(self.server.ask("GET", f"{self.path}?restype=container&comp=list&{account_sas}")[0], 403)
        self.container.set_container_access_policy({"reading": AccessPolicy("r", soon())})
        query = generate_blob_sas(self.account, self.container.container_name, "a b/ä", account_key=self.key, policy_id="reading")
        self.assertEqual(self.ask(query)[0], 200)
        self.container.set_container_access_policy({})
        self.assertEqual(self.ask(query)[0], 403)

    # ---- Entra ID

    def token(self, **form):
        form = {"grant_type": "client_credentials", "scope": "https://storage.azure.com/.default"} | form
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        status, _, body = self.server.ask("POST", f"/{self.entra['tenant_id']}/oauth2/v2.0/token", urlencode(form), headers)
        return status, json.loads(body)

    def secret_token(self, application):
        status, body = self.token(client_id=application["client_id"], client_secret=application["client_secret"])
        self.assertEqual(status, 200, body)
        return body["access_token"]

    def bearer(self, token):
        class Credential:
            def get_token(self, *_, **__):
                return AccessToken(token, 1 << 40)

        # The client sends no token without TLS.
        url = f"{self.server.tls_url}/{self.account}"
        return BlobServiceClient(url, credential=Credential(), connection_verify=self.server.certificate, retry_total=0)

    def test_tokens(self):
        client = self.bearer(self.secret_token(self.entra))
        self.assertEqual(client.get_blob_client(self.container.container_name, "a b/ä").download_blob().readall(), b"content")
        reader = self.server.control("POST", "applications", {"role": "reader"})
        client = self.bearer(self.secret_token(reader))
        self.assertEqual(client.get_blob_client(self.container.container_name, "a b/ä").download_blob().readall(), b"content")
        with self.assertRaises(HttpResponseError) as raised:
            client.get_blob_client(self.container.container_name, "new").upload_blob(b"x")
        self.assertEqual(raised.exception.error_code, "AuthorizationPermissionMismatch")
        headers = {"Authorization": f"Bearer {self.secret_token(reader)}", "x_ms_version": "2023-11-03"}
        self.assertEqual(self.ask("", **headers)[0], 200)
        with self.server.rule(path=self.path, clock_offset=4000):
            status, answer, _ = self.ask("", **headers)
        self.assertEqual((status, answer["x-ms-error-code"]), (401, "InvalidAuthenticationInfo"))
        self.assertIn("authorization_uri", answer["www-authenticate"])
        self.assertEqual(self.ask("", Authorization=headers["Authorization"])[0], 400)

    def test_what_is_wrong_with_a_client(self):
        client = self.entra["client_id"]
        self.assertEqual(self.token(client_id=client, client_secret="wrong")[0], 401)
        self.assertEqual(self.token(client_id="somebody", client_secret="x")[0], 400)
        self.assertEqual(self.token(client_id=client, client_secret=self.entra["client_secret"], scope="x")[0], 400)
        other = self.token(client_id=client, client_secret=self.entra["client_secret"], scope="https://vault.example/.default")[1]["access_token"]
        self.assertEqual(self.ask("", Authorization=f"Bearer {other}", x_ms_version="2023-11-03")[0], 401)

    def test_assertions(self):
        from google.auth import crypt, jwt

        kind = {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_id": self.entra["client_id"]}
        right = self.server.control("POST", "assertion", {"subject": self.entra["subject"]})["assertion"]
        self.assertEqual(self.token(client_assertion=right, **kind)[0], 200)
        self.assertEqual(self.token(client_assertion=right[:-6] + "AAAAAA", **kind)[0], 401)
        for wrong in ({"subject": "somebody"}, {"subject": self.entra["subject"], "audience": "x"}, {"subject": self.entra["subject"], "seconds": -400}):
            self.assertEqual(self.token(client_assertion=self.server.control("POST", "assertion", wrong)["assertion"], **kind)[0], 401)
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import Encoding

        certificate = x509.load_pem_x509_certificate(self.entra["certificate"].encode())
        thumbprint = base64.urlsafe_b64encode(hashlib.sha1(certificate.public_bytes(Encoding.DER)).digest()).decode().rstrip("=")
        now = int(datetime.now().timestamp())
        audience = f"{self.server.url}/{self.entra['tenant_id']}/oauth2/v2.0/token"
        claims = {"aud": audience, "iss": kind["client_id"], "sub": kind["client_id"], "exp": now + 300, "nbf": now}
        signer = crypt.RSASigner.from_string(self.entra["certificate"].partition("-----BEGIN CERTIFICATE")[0])
        for changes, head, status in (
            ({}, thumbprint, 200),
            ({}, thumbprint[::-1], 401),
            ({"aud": "x"}, thumbprint, 401),
            ({"exp": now - 400}, thumbprint, 401),
        ):
            assertion = jwt.encode(signer, claims | changes, {"x5t": head}).decode()
            self.assertEqual(self.token(client_assertion=assertion, **kind)[0], status)

    def test_machines(self):
        path = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fstorage.azure.com%2F"
        self.assertEqual(self.server.ask("GET", path)[0], 400)
        token = json.loads(self.server.ask("GET", path, headers={"Metadata": "true"})[2])["access_token"]
        self.assertEqual(self.ask("", Authorization=f"Bearer {token}", x_ms_version="2023-11-03")[0], 200)
        path = "/msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fstorage.azure.com"
        self.assertEqual(self.server.ask("GET", path, headers={"X-IDENTITY-HEADER": "wrong"})[0], 401)
        self.assertEqual(self.server.ask("GET", path, headers={"X-IDENTITY-HEADER": self.entra["identity_header"]})[0], 200)

    def test_user_delegation_sas(self):
        application = self.server.control("POST", "applications", {"role": "contributor"})
        client = self.bearer(self.secret_token(application))
        key = client.get_user_delegation_key(soon(minutes=-5), soon(hours=1))
        with self.assertRaises(HttpResponseError):
            self.service.get_user_delegation_key(soon(minutes=-5), soon(hours=1))

        def sas(**options):
            options = {"user_delegation_key": key, "permission": BlobSasPermissions(read=True), "expiry": soon()} | options
            return generate_blob_sas(self.account, self.container.container_name, "a b/ä", **options)

        self.assertEqual(self.ask(sas())[0], 200)
        self.assertEqual(self.ask(sas(content_disposition="a")[:-3] + "b")[0], 403)
        key.value = base64.b64encode(b"x" * 32).decode()
        self.assertEqual(self.ask(sas())[0], 403)
        key = client.get_user_delegation_key(soon(minutes=-5), soon(minutes=1))
        with self.server.rule(path=self.path, clock_offset=90):
            self.assertEqual(self.ask(sas())[0], 403)
        none = self.bearer(self.secret_token(self.server.control("POST", "applications", {"role": "delegator"})))
        key = none.get_user_delegation_key(soon(minutes=-5), soon(hours=1))
        self.assertEqual(self.ask(sas())[0], 403)

    def test_a_user_delegation_sas_of_an_older_version(self):
        """Written by hand, as Microsoft's documentation has it for the versions from 2020-12-06 on."""
        key = self.bearer(self.secret_token(self.entra)).get_user_delegation_key(soon(minutes=-5), soon(hours=1))
        expiry = soon().strftime("%Y-%m-%dT%H:%M:%SZ")
        values = {"sp": "r", "se": expiry, "sv": "2023-11-03", "sr": "b", "skoid": key.signed_oid, "sktid": key.signed_tid}
        values |= {"skt": key.signed_start, "ske": key.signed_expiry, "sks": key.signed_service, "skv": key.signed_version, "rscd": "inline"}
        resource = f"/blob/{self.account}/{self.container.container_name}/a b/ä"
        lines = ["r", "", expiry, resource, *(values[name] for name in ("skoid", "sktid", "skt", "ske", "sks", "skv")), "", "", "", "", ""]
        lines += ["2023-11-03", "b", "", "", "", "inline", "", "", ""]
        signature = base64.b64encode(hmac.digest(base64.b64decode(key.value), "\n".join(lines).encode(), "sha256")).decode()
        self.assertEqual(self.ask(urlencode(values | {"sig": signature}))[0], 200)
        self.assertEqual(self.ask(urlencode(values | {"sig": signature, "rscd": "x"}))[0], 403)

    def test_public_containers(self):
        self.assertEqual(self.ask("", x_ms_version="2023-11-03")[0], 401)
        self.assertEqual(self.ask("")[0], 404)
        container = self.service.create_container(support.name("public"), public_access="blob")
        container.upload_blob("a", b"for all")
        path = f"/{self.account}/{container.container_name}"
        self.assertEqual(self.server.ask("GET", f"{path}/a")[::2], (200, b"for all"))
        self.assertEqual(self.server.ask("GET", f"{path}?restype=container&comp=list")[0], 404)
        self.assertEqual(self.server.ask("PUT", f"{path}/a", b"x", {"x-ms-blob-type": "BlockBlob"})[0], 404)
        self.assertEqual(container.get_container_access_policy()["public_access"], "blob")
        container.set_container_access_policy({})
        self.assertEqual(self.server.ask("GET", f"{path}/a")[0], 404)
        made = self.server.control("POST", "accounts", {"allow_public": False})
        with self.assertRaises(HttpResponseError) as raised:
            azure_client(self.server, account=(made["account"], made["key"])).create_container("public", public_access="blob")
        self.assertEqual(raised.exception.error_code, "PublicAccessNotPermitted")


