/// Accounts as sums with names, for a store in which many processes add theirs.
///
/// Names are `d`, `u` and `m` (debt, uses, margins), each with `<class>:<pool>` in hexadecimal digits.
extension GuardAccount {
    private static let fields = ["d", "u", "m"]

    private static func names(_ artifactClass: UInt32, _ pool: UInt32) -> [String] {
        let account = "\(String(artifactClass, radix: 16)):\(String(pool, radix: 16))"
        return fields.map { "\($0)\(account)" }
    }

    /// What was added to an account since it was as another one, by name.
    ///
    /// - Parameters:
    ///   - artifactClass: What all processes call the class.
    ///   - pool: What all processes call the pool.
    package func added(since other: GuardAccount, artifactClass: UInt32, pool: UInt32) -> [String: Double] {
        var added: [String: Double] = [:]
        for (name, difference) in zip(Self.names(artifactClass, pool), zip(numbers, other.numbers).map({ $0 - $1 })) where difference != 0 {
            added[name] = difference
        }
        return added
    }

    /// How often artifacts of each class were used in a pool, by what all processes call the class.
    ///
    /// - Parameter sums: By name; those of other things are passed over.
    package static func uses(in sums: [String: Double], pool: UInt32) -> [UInt32: Double] {
        sums.reduce(into: [:]) { uses, sum in
            let words = sum.key.split(separator: ":", omittingEmptySubsequences: false)
            guard sum.key.first == "u", words.count == 2, UInt32(words[1], radix: 16) == pool,
                let artifactClass = UInt32(words[0].dropFirst(), radix: 16), sum.value.isFinite
            else { return }
            uses[artifactClass] = sum.value
        }
    }

    /// What all processes have added to an account.
    ///
    /// - Parameter sums: By name; those that are missing are 0.
    package init(named sums: [String: Double], artifactClass: UInt32, pool: UInt32, isGuarded: Bool) {
        let values = Self.names(artifactClass, pool).map { name in sums[name].flatMap { $0.isFinite ? $0 : nil } ?? 0 }
        self.init(debt: values[0], uses: values[1], margins: values[2], isGuarded: isGuarded)
    }
}
