/// A call of a store or of an upload, as layers tell them apart; the label `operation` of the metrics.
package enum StoreOperation: String, CaseIterable, Sendable {
    case head, get, openFile = "open_file", beginUpload = "begin_upload", write, read, complete, abort, copy, delete, list, location
    case checkHealth = "check_health", space

    /// As the errors of layers have it.
    var name: String {
        switch self {
        case .openFile: "openFile"
        case .beginUpload: "beginUpload"
        case .checkHealth: "checkHealth"
        default: rawValue
        }
    }
}
