/// A small regular expression as a program for Thompson's algorithm, which is linear in the length of the text.
///
/// - SeeAlso: Russ Cox, "Regular Expression Matching: the Virtual Machine Approach".
package struct PatternProgram: Sendable {
    package struct SyntaxError: Error {
        /// Continues "the pattern …".
        package let reason: String

        package init(_ reason: String) {
            self.reason = reason
        }
    }

    private enum Instruction: Sendable {
        case match(ByteSet)
        case split(Int, Int)
        case jump(Int)
        case mark
        case accept
    }

    /// The result of a successful match.
    package struct Match: Sendable, Equatable {
        /// How many bytes had been read at the pattern's mark; `nil` if the matching alternative has none.
        package let mark: Int?
    }

    /// About one instruction for each byte to match.
    static let maxInstructions = 1_000

    private var instructions: [Instruction] = []
    private var emitSteps = 0
    /// Whether the text must end where the pattern does.
    private let isAnchoredAtEnd: Bool

    /// Matches every text.
    package static let everything = PatternProgram([.accept])
    /// Matches no text.
    package static let nothing = PatternProgram([.match(ByteSet()), .accept])

    private init(_ instructions: [Instruction]) {
        isAnchoredAtEnd = false
        self.instructions = instructions
    }

    /// Compiles a pattern of another syntax, which must match the whole text.
    package init(_ node: PatternNode) throws(SyntaxError) {
        isAnchoredAtEnd = true
        try emit(node)
        instructions.append(.accept)
    }

    init(_ text: some StringProtocol) throws(SyntaxError) {
        var parser = PatternParser(text)
        let node = try parser.parse()
        isAnchoredAtEnd = parser.isAnchoredAtEnd
        try emit(node)
        instructions.append(.accept)
    }

    /// Whether the text, from its first byte on, matches.
    package func matches(_ text: some Sequence<UInt8>) -> Bool { match(text) != nil }

    /// The match of the text from its first byte on.
    package func match(_ text: some Sequence<UInt8>) -> Match? {
        var seen = [Int](repeating: -1, count: instructions.count)
        // Used again for each byte: strangers choose the text, and taking memory anew for each byte of it would take most of the time.
        var (current, next): ([ByteSetState], [ByteSetState]) = ([], [])
        var stack: [Branch] = []
        var position = 0
        var accepted = follow(0, nil, at: position, into: &current, seen: &seen, &stack)
        if accepted != nil, !isAnchoredAtEnd { return accepted }
        for byte in text {
            position += 1
            accepted = nil
            next.removeAll(keepingCapacity: true)
            for state in current where state.set.contains(byte) {
                guard let match = follow(state.next, state.mark, at: position, into: &next, seen: &seen, &stack) else { continue }
                if !isAnchoredAtEnd { return match }
                accepted = match
            }
            if next.isEmpty, accepted == nil { return nil }
            swap(&current, &next)
        }
        return accepted
    }

    private struct ByteSetState {
        let set: ByteSet
        let next: Int
        let mark: Int?
    }

    /// An instruction that is yet to be followed.
    private typealias Branch = (index: Int, mark: Int?)

    /// Adds every state that can be reached from `start` without reading a byte.
    ///
    /// - Parameter stack: Is empty before and after.
    /// - Returns: The match, if the end of the program is among them.
    private func follow(
        _ start: Int, _ mark: Int?, at position: Int, into states: inout [ByteSetState], seen: inout [Int], _ stack: inout [Branch]
    ) -> Match? {
        stack.append((start, mark))
        var match: Match?
        while let (index, mark) = stack.popLast() {
            guard seen[index] != position else { continue }
            seen[index] = position
            switch instructions[index] {
            case .match(let set): states.append(ByteSetState(set: set, next: index + 1, mark: mark))
            case .jump(let target): stack.append((target, mark))
            case .split(let first, let second):
                stack.append((second, mark))
                stack.append((first, mark))
            case .mark: stack.append((index + 1, position))
            case .accept: match = Match(mark: mark)
            }
        }
        return match
    }

    // MARK: Compiling

    private mutating func emit(_ node: PatternNode) throws(SyntaxError) {
        // Steps are counted, too: nested repetitions of empty groups take many steps without emitting anything.
        emitSteps += 1
        guard instructions.count < Self.maxInstructions, emitSteps < 10 * Self.maxInstructions else { throw SyntaxError("is too large") }
        switch node {
        case .set(let set):
            instructions.append(.match(set))
        case .mark:
            instructions.append(.mark)
        case .sequence(let nodes):
            for node in nodes { try emit(node) }
        case .choice(let nodes):
            try emitChoice(nodes)
        case .repetition(let node, let minimum, let maximum):
            for _ in 0..<minimum { try emit(node) }
            guard let maximum else {
                let split = instructions.count
                instructions.append(.accept)
                try emit(node)
                instructions.append(.jump(split))
                instructions[split] = .split(split + 1, instructions.count)
                return
            }
            var splits: [Int] = []
            for _ in minimum..<maximum {
                splits.append(instructions.count)
                instructions.append(.accept)
                try emit(node)
            }
            for split in splits { instructions[split] = .split(split + 1, instructions.count) }
        }
    }

    private mutating func emitChoice(_ nodes: [PatternNode]) throws(SyntaxError) {
        var jumps: [Int] = []
        for (place, node) in nodes.enumerated() {
            guard place < nodes.count - 1 else {
                try emit(node)
                break
            }
            let split = instructions.count
            instructions.append(.accept)
            try emit(node)
            jumps.append(instructions.count)
            instructions.append(.accept)
            instructions[split] = .split(split + 1, instructions.count)
        }
        for jump in jumps { instructions[jump] = .jump(instructions.count) }
    }
}

/// A set of bytes, as 256 bits.
package struct ByteSet: Sendable {
    private var words = SIMD4<UInt64>()

    package static var any: ByteSet { ByteSet().inverted }

    package init() {}

    package init(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { insert(byte) }
    }

    mutating func insert(_ byte: UInt8) { words[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }

    mutating func formUnion(_ other: ByteSet) { words |= other.words }

    func contains(_ byte: UInt8) -> Bool { words[Int(byte >> 6)] >> UInt64(byte & 63) & 1 == 1 }

    package var inverted: ByteSet {
        var copy = self
        copy.words = ~words
        return copy
    }
}

package indirect enum PatternNode {
    case set(ByteSet)
    /// Reads nothing; marks the position that ``PatternProgram/Match/mark`` returns.
    case mark
    case sequence([PatternNode])
    case choice([PatternNode])
    case repetition(PatternNode, Int, Int?)
}
