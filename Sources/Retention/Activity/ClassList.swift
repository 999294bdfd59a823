/// The classes of artifacts, numbered; what is seen after the first thousand is `other`.
package struct ClassList: Sendable {
    package static let maxClasses = 1_000
    package static let other = "other"

    private var numbers: [String: UInt32] = [:]
    package private(set) var names: [String] = []

    package init() {}

    package mutating func number(of name: String) -> UInt32 {
        if let number = numbers[name] { return number }
        let name = names.count < Self.maxClasses ? name : Self.other
        if let number = numbers[name] { return number }
        let number = UInt32(names.count)
        names.append(name)
        numbers[name] = number
        return number
    }

    package func name(_ number: UInt32) -> String {
        Int(number) < names.count ? names[Int(number)] : Self.other
    }
}
