"""Google's own client against the server, with the key file that it wrote."""

import json
import os
from unittest import mock

import google.auth.aws
import google.auth.identity_pool
import google.auth.transport.requests
from google.auth.exceptions import RefreshError
from google.oauth2 import service_account

from . import support
from .clients import google_client


class TokenTests(support.Case):
    @classmethod
    def setUpClass(cls):
        cls.server = support.gcs()

    def account(self, **wanted):
        return self.server.control("POST", "service-accounts", wanted)

    def key(self, made, **changes):
        scopes = ["https://www.googleapis.com/auth/cloud-platform"]
        return service_account.Credentials.from_service_account_info(made["key_file"] | changes, scopes=scopes)

    def refreshed(self, credentials):
        credentials.refresh(google.auth.transport.requests.Request())
        return credentials.token

    def test_what_is_wrong_with_an_assertion(self):
        made = self.account()
        self.assertTrue(self.refreshed(self.key(made)))
        other = self.account()
        with self.assertRaisesRegex(RefreshError, "Invalid JWT Signature"):
            self.refreshed(self.key(made, private_key=other["key_file"]["private_key"]))
        with self.assertRaisesRegex(RefreshError, "account not found"):
            self.refreshed(self.key(made, client_email="nobody@nowhere.iam.gserviceaccount.com"))
        with self.assertRaisesRegex(RefreshError, "invalid_scope"):
            self.refreshed(self.key(made).with_scopes([]))
        with self.server.rule(path="/token", clock_offset=7200):
            with self.assertRaisesRegex(RefreshError, "reasonable timeframe"):
                self.refreshed(self.key(made))
        with mock.patch("google.oauth2.service_account._GOOGLE_OAUTH2_TOKEN_ENDPOINT", "https://elsewhere.example/token"):
            with self.assertRaisesRegex(RefreshError, "audience"):
                self.refreshed(self.key(made))

    def test_a_token_ends(self):
        bucket = google_client(self.server).create_bucket(support.name("tokens"))
        made = self.account(token_seconds=60)
        token = self.refreshed(self.key(made))
        path, headers = f"/storage/v1/b/{bucket.name}", {"Authorization": f"Bearer {token}"}
        self.assertEqual(self.server.ask("GET", path, headers=headers)[0], 200)
        with self.server.rule(path=path, clock_offset=61):
            status, answer, body = self.server.ask("GET", path, headers=headers)
        self.assertEqual((status, json.loads(body)["error"]["errors"][0]["reason"]), (401, "authError"))
        self.assertIn("invalid_token", answer["www-authenticate"])
        self.server.control("POST", "revoke", {"email": made["email"]})
        self.assertEqual(self.server.ask("GET", path, headers=headers)[0], 401)

    def test_a_refresh_token(self):
        made = self.account()
        info = made["authorized_user"]
        from google.oauth2.credentials import Credentials

        def user(**changes):
            values = info | changes
            return Credentials(None, values["refresh_token"], None, f"{self.server.url}/token", values["client_id"], values["client_secret"])

        self.assertTrue(self.refreshed(user()))
        with self.assertRaises(RefreshError):
            self.refreshed(user(client_secret="wrong"))

    def test_the_metadata_server(self):
        host = self.server.url.removeprefix("http://")
        with mock.patch.dict(os.environ, {"GCE_METADATA_HOST": host, "GCE_METADATA_IP": host}):
            import google.auth.compute_engine._metadata as metadata

            request = google.auth.transport.requests.Request()
            self.assertTrue(metadata.ping(request))
            with mock.patch.object(metadata, "_GCE_METADATA_HOST", host):
                self.assertEqual(metadata.get_project_id(request), "cloud-mirror-tests")
                token, _ = metadata.get_service_account_token(request)
        self.assertEqual(self.server.ask("GET", "/computeMetadata/v1/project/project-id")[0], 403)
        self.assertEqual(self.server.ask("GET", "/storage/v1/b?project=x", headers={"Authorization": f"Bearer {token}"})[0], 200)

    def test_workload_identity_federation(self):
        subject = self.server.control("POST", "subject-token", {"subject": "pod"})
        file = os.path.join(self.server.root, "subject-token")

        def credentials(email):
            return google.auth.identity_pool.Credentials.from_info(
                {
                    "type": "external_account", "audience": subject["audience"], "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                    "token_url": f"{self.server.url}/v1/token", "credential_source": {"file": file},
                    "service_account_impersonation_url": f"{self.server.url}/v1/projects/-/serviceAccounts/{email}:generateAccessToken",
                },
                scopes=["https://www.googleapis.com/auth/devstorage.read_write"],
            )

        with open(file, "w") as opened:
            opened.write(subject["subject_token"])
        allowed, refused = self.account(signers=[subject["member"]]), self.account()
        token = self.refreshed(credentials(allowed["email"]))
        self.assertEqual(self.server.ask("GET", "/storage/v1/b?project=x", headers={"Authorization": f"Bearer {token}"})[0], 200)
        with self.assertRaises(RefreshError):
            self.refreshed(credentials(refused["email"]))
        with open(file, "w") as opened:
            opened.write(subject["subject_token"][:-6] + "AAAAAA")
        with self.assertRaisesRegex(Exception, "signature"):
            self.refreshed(credentials(allowed["email"]))

    def test_a_role_of_aws(self):
        role, other = self.server.control("POST", "aws-role", {}), self.server.control("POST", "aws-role", {})
        account = self.account(signers=[role["member"]])
        info = {
            "type": "external_account", "audience": role["audience"], "subject_token_type": "urn:ietf:params:aws:token-type:aws4_request",
            "token_url": f"{self.server.url}/v1/token",
            "service_account_impersonation_url": f"{self.server.url}/v1/projects/-/serviceAccounts/{account['email']}:generateAccessToken",
            "credential_source": {
                "environment_id": "aws1", "region_url": "http://169.254.169.254/latest/meta-data/placement/availability-zone",
                "regional_cred_verification_url": "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15",
            },
        }

        def refreshed(keys, **changes):
            names = {"AWS_ACCESS_KEY_ID": "access_key", "AWS_SECRET_ACCESS_KEY": "secret_key", "AWS_SESSION_TOKEN": "session_token"}
            values = {variable: (keys | changes)[name] for variable, name in names.items()} | {"AWS_REGION": "eu-west-1"}
            with mock.patch.dict(os.environ, values):
                scopes = ["https://www.googleapis.com/auth/devstorage.read_write"]
                return self.refreshed(google.auth.aws.Credentials.from_info(info, scopes=scopes))

        self.assertTrue(refreshed(role))
        for wrong in ({"secret_key": other["secret_key"]}, {"session_token": "x"}, {"access_key": other["access_key"]}):
            with self.assertRaisesRegex(Exception, "AWS"):
                refreshed(role, **wrong)
        with self.assertRaisesRegex(RefreshError, "getAccessToken"):
            refreshed(other)

    def test_impersonation_signs(self):
        made, other = self.account(), self.account()
        with mock.patch("google.auth.iam._IAM_SIGN_ENDPOINT", self.server.url + "/v1/projects/-/serviceAccounts/{}:signBlob"):
            from google.auth import iam

            request = google.auth.transport.requests.Request()
            source = self.key(made)
            source.refresh(request)
            self.assertEqual(len(iam.Signer(request, source, made["email"]).sign(b"text")), 256)
            with self.assertRaises(Exception) as raised:
                iam.Signer(request, source, other["email"]).sign(b"text")
        self.assertIn("iam.serviceAccounts.signBlob", str(raised.exception))
