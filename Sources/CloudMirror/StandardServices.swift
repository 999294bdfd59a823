public import MirrorStorage
import StorageAzure
import StorageGCS
import StorageLocal
import StorageS3

extension [any StorageService.Type] {
    /// The kinds of storage that `cloud-mirror` comes with. This is the only list of them.
    public static var standard: [any StorageService.Type] { [LocalService.self, S3Service.self, GCSService.self, AzureService.self] }
}
