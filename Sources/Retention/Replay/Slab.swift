/// Many values of a few bytes, in blocks: growing never copies them, and never needs room for them twice.
struct Slab<Element: BitwiseCopyable>: ~Copyable {
    private static var shift: Int { 14 }
    private static var blockCount: Int { 1 << shift }

    private var blocks: [UnsafeMutablePointer<Element>] = []
    private(set) var count = 0

    init() {}

    deinit {
        for block in blocks { block.deallocate() }
    }

    mutating func append(_ element: Element) {
        if count == blocks.count << Self.shift { blocks.append(.allocate(capacity: Self.blockCount)) }
        (blocks[count >> Self.shift] + (count & (Self.blockCount - 1))).initialize(to: element)
        count += 1
    }

    subscript(_ index: Int) -> Element {
        get {
            precondition(index >= 0 && index < count)
            return blocks[index >> Self.shift][index & (Self.blockCount - 1)]
        }
        set {
            precondition(index >= 0 && index < count)
            blocks[index >> Self.shift][index & (Self.blockCount - 1)] = newValue
        }
    }
}
