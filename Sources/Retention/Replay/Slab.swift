import CLibrary

/// Many values of a few bytes, in blocks: growing never copies them, and never needs room for them twice.
struct Slab<Element: BitwiseCopyable>: ~Copyable {
    private static var shift: Int { 18 }
    private static var blockCount: Int { 1 << shift }
    /// Who reads here and there in hundreds of megabytes waits for the tables of small pages, too.
    private static var hugePage: Int { 2 << 20 }

    private var blocks: [UnsafeMutablePointer<Element>] = []
    private(set) var count = 0

    init() {}

    deinit {
        for block in blocks { block.deallocate() }
    }

    mutating func append(_ element: Element) {
        if count == blocks.count << Self.shift { blocks.append(Self.makeBlock()) }
        (blocks[count >> Self.shift] + (count & (Self.blockCount - 1))).initialize(to: element)
        count += 1
    }

    /// Its memory is taken as it is filled.
    private static func makeBlock() -> UnsafeMutablePointer<Element> {
        let bytes = blockCount * MemoryLayout<Element>.stride
        let block = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: hugePage)
        #if os(Linux)
            // Where the system has none, the small ones will do.
            _ = madvise(block, bytes, MADV_HUGEPAGE)
        #endif
        return block.bindMemory(to: Element.self, capacity: blockCount)
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
