import Testing

/// A parser of bytes that strangers send, and what good input for it looks like.
struct FuzzTarget: Sendable, CustomTestStringConvertible {
    /// Also the name of its folder in `Corpus`.
    let name: String
    let seeds: [[UInt8]]
    /// What means something to the parser.
    let words: [[UInt8]]
    /// Must return or throw, whatever the bytes are. What it throws is of no interest, unless it is a ``Contradiction``.
    let run: @Sendable ([UInt8]) throws -> Void

    init(_ name: String, seeds: [String], words: [String] = [], run: @escaping @Sendable ([UInt8]) throws -> Void) {
        self.name = name
        self.seeds = seeds.map { Array($0.utf8) }
        self.words = words.map { Array($0.utf8) }
        self.run = run
    }

    var testDescription: String { name }

    static let all: [FuzzTarget] =
        core + net + storage + storageGCS + storageAzure + state + redis + server + settings + commands + regions + named + pages + plan
}

/// A parser's answers do not fit each other.
struct Contradiction: Error {
    let message: String
}

func require(_ condition: Bool, _ message: @autoclosure () -> String) throws(Contradiction) {
    if !condition { throw Contradiction(message: message()) }
}
