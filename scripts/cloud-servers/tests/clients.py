"""The clouds' own clients, for one of our servers."""

import os
from datetime import datetime, timedelta, timezone

from azure.storage.blob import BlobServiceClient
from google.cloud import storage
from google.oauth2 import service_account

from . import support

MIB = 1 << 20


def google_client(server, credentials=None):
    """With the key file that the server wrote, if with no other credentials."""
    if credentials is None:
        credentials = service_account.Credentials.from_service_account_file(os.path.join(server.directory, "service-account.json"))
    return storage.Client(project="cloud-mirror-tests", credentials=credentials, client_options={"api_endpoint": server.url})


def azure_client(server, account=None, **options):
    """With the key of the account; `account` is the name and key of another."""
    name, key = account or support.azure_key()
    options = {"retry_total": 0, "max_single_put_size": 4 * MIB, "max_block_size": MIB} | options
    return BlobServiceClient(f"{server.url}/{name}", credential={"account_name": name, "account_key": key}, **options)


def soon(**delta):
    return datetime.now(timezone.utc) + timedelta(**(delta or {"minutes": 5}))
