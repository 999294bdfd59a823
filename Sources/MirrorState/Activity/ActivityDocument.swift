/// What all processes have computed together, each whole.
package enum ActivityDocument: String, Sendable, CaseIterable {
    /// How long replicas are kept.
    case table
    /// Which classes are guarded, in which pools and since when.
    case guards

    /// What was read.
    package struct Version: Sendable, Hashable {
        /// From 1.
        package let number: Int64
        package let bytes: [UInt8]

        package init(number: Int64, bytes: [UInt8]) {
            self.number = number
            self.bytes = bytes
        }
    }
}
