/// Why a list of a cloud's addresses is not used, in words that follow "the list".
package struct RegionListError: Error, Sendable, Equatable, CustomStringConvertible {
    package let message: String

    init(_ message: String) {
        self.message = message
    }

    package var description: String { "the list \(message)" }
}
