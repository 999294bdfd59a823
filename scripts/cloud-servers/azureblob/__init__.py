"""What of Azure Blob Storage, Entra ID and the identity endpoints of machines matters to a client, in one process."""
