/// Why the service cannot start, in words that say what to do.
package struct StartError: Error, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
