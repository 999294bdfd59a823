/// The contexts that were seen, numbered in the order in which they appeared; a parent comes before its children.
package struct ContextTree: Sendable, Equatable {
    package static let maxNodes = 20_000

    /// A context or one of its ancestors.
    package struct Node: Sendable, Hashable {
        /// `nil` for the root.
        package let artifactClass: UInt32?
        let place: UInt8
        package let parent: Int

        /// Whether it is a whole context, which has no children.
        var isLeaf: Bool { place >= 19 }
    }

    package private(set) var nodes = [Node(artifactClass: nil, place: 0, parent: -1)]
    /// By class and place; 0, which is the root, where there is none.
    private var numbers: [UInt16] = []

    package init() {}

    package var count: Int { nodes.count }

    /// The node of a context, created where it is new; where the tree is full, the nearest ancestor.
    mutating func insert(_ context: Context) -> Int {
        let path = context.path
        let base = Int(context.artifactClass) * Context.places
        if base + Context.places <= numbers.count {
            let known = numbers[base + path.age]
            if known > 0 { return Int(known) }
        } else {
            numbers.append(contentsOf: repeatElement(0, count: base + Context.places - numbers.count))
        }
        var parent = 0
        for place in [path.artifactClass, path.elsewhere, path.rate, path.age] {
            guard let number = insert(context.artifactClass, place, below: parent) else { return parent }
            parent = number
        }
        return parent
    }

    private mutating func insert(_ artifactClass: UInt32, _ place: Int, below parent: Int) -> Int? {
        let index = Int(artifactClass) * Context.places + place
        if numbers[index] > 0 { return Int(numbers[index]) }
        guard nodes.count < Self.maxNodes else { return nil }
        nodes.append(Node(artifactClass: artifactClass, place: UInt8(place), parent: parent))
        numbers[index] = UInt16(nodes.count - 1)
        return nodes.count - 1
    }

    /// The node of a context, or its nearest ancestor that is one of the first `limit`.
    package func node(_ context: Context, among limit: Int) -> Int {
        let base = Int(context.artifactClass) * Context.places
        guard base + Context.places <= numbers.count else { return 0 }
        let path = context.path
        var number = Int(numbers[base + path.age])
        if number > 0, number < limit { return number }
        number = Int(numbers[base + path.rate])
        if number > 0, number < limit { return number }
        number = Int(numbers[base + path.elsewhere])
        if number > 0, number < limit { return number }
        number = Int(numbers[base + path.artifactClass])
        return number < limit ? number : 0
    }

    /// The node of another tree in this one, created where it is new.
    ///
    /// - Parameter artifactClass: What this tree calls the node's class.
    /// - Returns: `nil` where the tree is full.
    mutating func insert(_ node: Node, artifactClass: UInt32, below parent: Int) -> Int? {
        let end = (Int(artifactClass) + 1) * Context.places
        if end > numbers.count { numbers.append(contentsOf: repeatElement(0, count: end - numbers.count)) }
        return insert(artifactClass, Int(node.place), below: parent)
    }

    /// The node of a place in a class, created with its ancestors where it is new.
    ///
    /// - Returns: `nil` where the tree is full.
    mutating func insert(_ artifactClass: UInt32, place: Int) -> Int? {
        let end = (Int(artifactClass) + 1) * Context.places
        if end > numbers.count { numbers.append(contentsOf: repeatElement(0, count: end - numbers.count)) }
        var parent = 0
        for place in Context.ancestors(of: place) + [place] {
            guard let number = insert(artifactClass, place, below: parent) else { return nil }
            parent = number
        }
        return parent
    }

    /// The parts of a node's path below the root, such as `models/prod`, `0`, `3`, `2`.
    package func words(of number: Int, _ name: (UInt32) -> String) -> [String] {
        let node = nodes[number]
        guard let artifactClass = node.artifactClass else { return [] }
        let place = Int(node.place)
        var words = [name(artifactClass)]
        let rate = place >= 19 ? (place - 19) / Context.ages : place - 3
        if place >= 3 {
            words += ["\(rate / Context.rates)", "\(rate % Context.rates)"]
        } else if place > 0 {
            words.append("\(place - 1)")
        }
        if place >= 19 { words.append("\((place - 19) % Context.ages)") }
        return words
    }
}
