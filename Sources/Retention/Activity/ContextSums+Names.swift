import CLibrary

/// Sums as numbers with names, for a store in which many processes add theirs.
///
/// A name is `n<landmark>:<class>:<place>:<field>`, with the class in hexadecimal digits, and without class for the root. Landmarks are numbered, so
/// that processes need not agree on one, and old sums fade by themselves when a new landmark begins.
extension ContextSums {
    private static let prefix = UInt8(ascii: "n")
    /// Seconds between landmarks: few enough that weights stay within a number.
    private static let span = Weights.halfLife * Weights.maxExponent

    /// The landmark for what is observed at a time.
    ///
    /// - Parameter time: Seconds since 1970.
    package static func landmark(at time: Double) -> Double { (max(0, time) / span).rounded(.down) * span }

    /// The numbers that are not zero.
    ///
    /// - Parameter name: What all processes call a class of these sums.
    package func named(_ name: (UInt32) -> UInt32) -> [String: Double] {
        let landmark = Int(landmark / Self.span)
        var named: [String: Double] = [:]
        for (number, node) in tree.nodes.enumerated() {
            let base = "n\(landmark):\(node.artifactClass.map { String(name($0), radix: 16) } ?? ""):\(node.place):"
            for (field, value) in numbers[number].enumerated() where value != 0 { named["\(base)\(field)"] = value }
        }
        return named
    }

    /// What all processes have added.
    ///
    /// - Parameters:
    ///   - sums: Those with other names are skipped.
    ///   - now: Seconds since 1970.
    ///   - classes: What these sums call the classes; those that are not among them are left out, but are in the sums of the root.
    package init(named sums: [String: Double], at now: Double, classes: [UInt32: UInt32]) {
        let newest = Self.landmark(at: now)
        self.init(landmark: newest)
        // What a clock that is ahead began counts, too.
        for landmark in [newest - Self.span, newest, newest + Self.span] where landmark >= 0 {
            var part = ContextSums(landmark: landmark)
            part.add(sums, landmark: Int(landmark / Self.span), classes)
            merge(part) { $0 }
        }
    }

    /// Names of sums that are too old to matter.
    package static func outdated(_ sums: some Sequence<String>, at now: Double) -> [String] {
        let newest = Int(landmark(at: now) / span)
        return sums.filter { Name($0).map { $0.landmark < newest - 1 } ?? false }
    }

    private mutating func add(_ sums: [String: Double], landmark: Int, _ classes: [UInt32: UInt32]) {
        var found: [(artifactClass: UInt32?, place: Int, field: Int, value: Double)] = []
        for (text, value) in sums where value.isFinite {
            guard let name = Name(text), name.landmark == landmark else { continue }
            guard let stored = name.artifactClass else {
                found.append((nil, 0, name.field, value))
                continue
            }
            if let artifactClass = classes[stored] { found.append((artifactClass, name.place, name.field, value)) }
        }
        // Parents before their children, and always in the same order.
        found.sort { ($0.place, $0.artifactClass ?? 0, $0.field) < ($1.place, $1.artifactClass ?? 0, $1.field) }
        for sum in found {
            let node = sum.artifactClass.map { insert($0, place: sum.place) } ?? 0
            if let node { add(sum.value, sum.field, at: node) }
        }
    }

    /// One part of a node's sums.
    private struct Name {
        let landmark: Int
        let artifactClass: UInt32?
        let place: Int
        let field: Int

        /// - Returns: `nil` for the name of anything else.
        init?(_ text: String) {
            guard text.utf8.first == ContextSums.prefix else { return nil }
            let parts = text.utf8.dropFirst().split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map { Substring($0) }
            guard parts.count == 4, let landmark = Int(parts[0]), let place = Int(parts[2]), let field = Int(parts[3]),
                (0..<Context.places).contains(place), (0..<Field.count).contains(field)
            else { return nil }
            if parts[1].isEmpty {
                artifactClass = nil
            } else {
                guard let number = UInt32(parts[1], radix: 16) else { return nil }
                artifactClass = number
            }
            self.landmark = landmark
            self.place = artifactClass == nil ? 0 : place
            self.field = field
        }
    }
}
