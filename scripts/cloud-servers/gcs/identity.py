"""Who may ask: service accounts with their keys, users' refresh tokens, federated identities, and the tokens that they were given."""

import base64
import json
import secrets
import threading

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

PROJECT = "cloud-mirror-tests"
PROJECT_NUMBER = "123456789012"
POOL = f"projects/{PROJECT_NUMBER}/locations/global/workloadIdentityPools/tests"
PROVIDER = f"//iam.googleapis.com/{POOL}/providers/oidc"
AMAZON_PROVIDER = f"//iam.googleapis.com/{POOL}/providers/aws"
CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"


class Key:
    """An RSA key of a service account."""

    def __init__(self):
        self.identifier = secrets.token_hex(20)
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def sign(self, data):
        return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256())

    def verifies(self, signature, data):
        try:
            self.private.public_key().verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True

    def pem(self):
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()


class ServiceAccount:
    def __init__(self, name, roles, signers=(), token_seconds=3600):
        self.email = f"{name}@{PROJECT}.iam.gserviceaccount.com"
        self.unique = str(10**20 + secrets.randbelow(10**19))
        self.keys = [Key()]
        self.system_key = None  # What signBlob signs with: made when it is first needed.
        self.roles = set(roles)  # on the project
        self.signers = set(signers)  # members that have roles/iam.serviceAccountTokenCreator on this account
        self.token_seconds = token_seconds

    @property
    def member(self):
        return f"serviceAccount:{self.email}"

    def signing_key(self):
        if self.system_key is None:
            self.system_key = Key()
        return self.system_key

    def all_keys(self):
        return [*self.keys, *([self.system_key] if self.system_key else [])]

    def key_file(self, token_uri):
        """What somebody who makes a key of the account downloads."""
        key = self.keys[0]
        return {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": key.identifier,
            "private_key": key.pem(),
            "client_email": self.email,
            "client_id": self.unique,
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": token_uri,
            "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
            "client_x509_cert_url": f"https://www.googleapis.com/robot/v1/metadata/x509/{self.email}",
            "universe_domain": "googleapis.com",
        }


class Caller:
    """Somebody whose request was authenticated. `scopes` is None where a key and not a token says who it is."""

    def __init__(self, member, scopes=None):
        self.member = member
        self.scopes = scopes

    @property
    def anonymous(self):
        return self.member == "allUsers"

    def described(self):
        return "Anonymous caller" if self.anonymous else self.member.partition(":")[2] or self.member


ANONYMOUS = Caller("allUsers")


class Identities:
    def __init__(self, hmac_access, hmac_secret):
        main = ServiceAccount("tests", {"roles/owner", "roles/storage.admin"})
        main.signers = {main.member, f"principalSet://iam.googleapis.com/{POOL}/*"}
        self.main = main
        self.accounts = {main.email: main}
        self.hmac_keys = {hmac_access: (hmac_secret, main)}
        self.refresh_tokens = {}  # token: (client ID, client secret, account)
        self.provider_key = Key()  # of the identity provider that the workload identity pool trusts
        self.tokens = {}
        self.lock = threading.Lock()

    def add(self, wanted):
        """A service account of a test's own."""
        with self.lock:
            account = ServiceAccount(
                wanted.get("name") or f"test-{secrets.token_hex(4)}", wanted.get("roles", ["roles/storage.admin"]),
                token_seconds=wanted.get("token_seconds", 3600),
            )
            if wanted.get("signs", True):
                account.signers.add(account.member)
            account.signers |= set(wanted.get("signers", []))
            self.accounts[account.email] = account
            access, secret = "GOOG1E" + secrets.token_hex(28).upper(), base64.b64encode(secrets.token_bytes(30)).decode()
            self.hmac_keys[access] = (secret, account)
            client, client_secret, refresh = f"{secrets.token_hex(8)}.apps.googleusercontent.com", secrets.token_hex(12), secrets.token_hex(24)
            self.refresh_tokens[refresh] = (client, client_secret, account)
        user = {"type": "authorized_user", "client_id": client, "client_secret": client_secret, "refresh_token": refresh}
        return account, {"access_key": access, "secret_key": secret}, user

    def issue(self, member, scopes, seconds, now):
        token = "ya29.c." + secrets.token_urlsafe(90)
        with self.lock:
            self.tokens[token] = (Caller(member, frozenset(scopes)), now + seconds)
        return token

    def caller(self, token, now):
        """Who has the token, or None when it is unknown or too old."""
        caller, expires = self.tokens.get(token, (None, 0))
        return caller if now < expires else None

    def revoke(self, member):
        with self.lock:
            self.tokens = {token: held for token, held in self.tokens.items() if held[0].member != member}


def decode_jwt(token):
    """Header, claims, what was signed, and the signature. ValueError where it is not a JWT."""
    head, claims, signature = token.split(".")
    return json.loads(_unpadded(head)), json.loads(_unpadded(claims)), f"{head}.{claims}".encode(), _unpadded(signature)


def encode_jwt(key, claims):
    head = _padded(json.dumps({"alg": "RS256", "typ": "JWT", "kid": key.identifier}).encode())
    signed = f"{head}.{_padded(json.dumps(claims).encode())}"
    return f"{signed}.{_padded(key.sign(signed.encode()))}"


def _unpadded(text):
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _padded(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
