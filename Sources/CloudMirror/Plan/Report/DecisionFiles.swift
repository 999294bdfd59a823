import MirrorSystem
import Retention

/// Writes the learning policy's decisions, for programs that check what they cost.
enum DecisionFiles {
    private static let rowsAtOnce = 1 << 16

    /// Writes `hazard.csv`, with a line `keep,admit` for each use in the order of the log.
    ///
    /// - Parameter folder: An existing folder.
    static func write(_ decisions: Decisions, to folder: String) throws(CommandFailure) {
        let path = "\(folder)/\(ReplayPolicy.hazard.rawValue).csv"
        try CommandFailure.explaining("cannot write \(path)") { () throws(Errno) in
            let file = try Descriptor(path, for: .writing, [.create, .truncate], mode: 0o644)
            var text = "keep,admit\n"
            for (index, keep) in decisions.keep.enumerated() {
                text += "\(keep),\(decisions.isAdmitted[index] ? 1 : 0)\n"
                if index % rowsAtOnce == rowsAtOnce - 1 {
                    try file.append(Array(text.utf8))
                    text = ""
                }
            }
            try file.append(Array(text.utf8))
        }
    }
}
