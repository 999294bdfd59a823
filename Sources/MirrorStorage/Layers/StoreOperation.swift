/// A call to a store or an upload, as layers distinguish them; the label `operation` of the metrics.
package enum StoreOperation: String, CaseIterable, Sendable {
    case head, get, openFile = "open_file", beginUpload = "begin_upload", write, read, complete, abort, copy, pull, delete, list, location
    case checkHealth = "check_health", space

    /// The name in the errors of layers.
    var name: String {
        switch self {
        case .openFile: "openFile"
        case .beginUpload: "beginUpload"
        case .checkHealth: "checkHealth"
        default: rawValue
        }
    }
}
