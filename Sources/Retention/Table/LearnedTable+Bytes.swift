extension LearnedTable {
    private static let format: UInt64 = 0x3130_454C_4241_5443

    /// As one process stores it for the others.
    package var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.write(Self.format)
        writer.write(time.bitPattern)
        writer.write(UInt64(classes.count))
        for name in classes {
            writer.write(UInt64(name.utf8.count))
            writer.bytes += Array(name.utf8)
        }
        writer.write(UInt64(nodes.count))
        for (node, place) in zip(nodes, tree.nodes) {
            writer.write(UInt64(place.artifactClass ?? 0) << 8 | UInt64(place.place))
            writer.write(UInt64(bitPattern: Int64(place.parent)))
            for number in [node.bytes, node.ended, node.unended] + node.hazards.values { writer.write(number.bitPattern) }
        }
        return writer.bytes
    }

    /// Reads what ``encoded`` has written.
    ///
    /// - Returns: `nil` for anything else, such as what a newer version has written.
    package init?(encoded bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        guard reader.read() == Self.format, let time = reader.number(), let count = reader.count(ClassList.maxClasses + 1) else {
            return nil
        }
        var classes: [String] = []
        for _ in 0..<count {
            guard let length = reader.count(4 * ClassRule.maxLength), let name = reader.bytes(length) else { return nil }
            classes.append(String(decoding: name, as: UTF8.self))
        }
        guard let nodeCount = reader.count(ContextTree.maxNodes), nodeCount > 0 else { return nil }
        var tree = ContextTree()
        var nodes: [Node] = []
        for number in 0..<nodeCount {
            guard let place = reader.read(), let parent = reader.read(), let bytes = reader.number(), let ended = reader.number(),
                let unended = reader.number()
            else { return nil }
            var values: [Double] = []
            for _ in 0..<AgeBins.count {
                guard let value = reader.number(), (0...1).contains(value) else { return nil }
                values.append(value)
            }
            if number > 0 {
                guard parent < UInt64(number), place >> 8 < UInt64(classes.count), place & 0xFF < UInt64(Context.places),
                    tree.insert(UInt32(place >> 8), place: Int(place & 0xFF)) == number, tree.nodes[number].parent == Int(parent)
                else { return nil }
            }
            nodes.append(Node(hazards: Hazards(values: values), bytes: bytes, ended: ended, unended: unended))
        }
        guard reader.isAtEnd else { return nil }
        self.init(time: time, classes: classes, tree: tree, nodes: nodes)
    }
}

/// Writes numbers, the lowest byte first.
private struct ByteWriter {
    var bytes: [UInt8] = []

    mutating func write(_ number: UInt64) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }
}

private struct ByteReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) {
        rest = bytes[...]
    }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func bytes(_ count: Int) -> ArraySlice<UInt8>? {
        guard rest.count >= count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    mutating func read() -> UInt64? {
        bytes(8).map { $0.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
    }

    /// A number that is one.
    mutating func number() -> Double? {
        guard let number = read().map({ Double(bitPattern: $0) }), number.isFinite else { return nil }
        return number
    }

    mutating func count(_ limit: Int) -> Int? {
        guard let count = read(), count <= UInt64(limit) else { return nil }
        return Int(count)
    }
}
