"""What of Google Cloud Storage, IAM, the token services and the metadata server matters to a client, in one process."""
