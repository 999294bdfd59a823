import StorageS3
