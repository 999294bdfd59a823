/// Ranges of addresses with a number each, sorted and disjoint, so that the one that holds an address is found by binary search.
///
/// Prefixes within prefixes are resolved when it is made: the longest that holds an address has decided then. A boundary takes as many bytes as an address
/// and two more, so that all that three clouds publish fits a processor's second-level cache.
struct RangeTable<Address: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable, Equatable {
    /// A network of the addresses whose first bits are the same.
    struct Prefix {
        /// Its first address.
        let start: Address
        /// Bits that its addresses have in common.
        let length: Int
        /// From 1.
        let number: UInt16

        fileprivate var last: Address { start | (Address.max >> length) }
    }

    /// The beginnings of ranges and of the gaps after them, ascending. Each ends where the next begins.
    private var starts: [Address] = []
    /// The number of each; 0 for a gap. Neighbours differ.
    private var numbers: [UInt16] = []

    init(_ prefixes: [Prefix]) {
        // A range that contains others comes before them.
        let sorted = prefixes.sorted { ($0.start, $0.length, $0.number) < ($1.start, $1.length, $1.number) }
        starts.reserveCapacity(sorted.count * 2)
        numbers.reserveCapacity(sorted.count * 2)
        /// Those that hold the place that was reached, the innermost last.
        var open: [Prefix] = []
        for prefix in sorted {
            close(&open, before: prefix.start)
            begin(prefix.number, at: prefix.start)
            open.append(prefix)
        }
        close(&open, before: nil)
    }

    /// All of these in one. Where several have a number, the first one's holds.
    ///
    /// - Parameter tables: Each with what is to be added to its numbers.
    init(merging tables: [(table: RangeTable, offset: UInt16)]) {
        var reached = [Int](repeating: 0, count: tables.count)
        for start in tables.flatMap(\.table.starts).sorted() {
            var number: UInt16 = 0
            for (index, (table, offset)) in tables.enumerated() {
                while reached[index] < table.starts.count, table.starts[reached[index]] <= start { reached[index] += 1 }
                guard number == 0, reached[index] > 0 else { continue }
                let own = table.numbers[reached[index] - 1]
                if own != 0 { number = own + offset }
            }
            begin(number, at: start)
        }
    }

    /// - Returns: 0 where there is none.
    func number(of address: Address) -> UInt16 {
        // How many boundaries are not after the address.
        var (low, high) = (0, starts.count)
        while low < high {
            let middle = (low + high) / 2
            if starts[middle] <= address { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? 0 : numbers[low - 1]
    }

    private mutating func begin(_ number: UInt16, at start: Address) {
        if starts.last == start {
            starts.removeLast()
            numbers.removeLast()
        }
        guard number != numbers.last ?? 0 else { return }
        starts.append(start)
        numbers.append(number)
    }

    /// Ends the ranges that end before an address, or all of them for `nil`. After each, the range around it continues.
    private mutating func close(_ open: inout [Prefix], before start: Address?) {
        while let last = open.last, start.map({ last.last < $0 }) ?? true {
            open.removeLast()
            let (next, isEnd) = last.last.addingReportingOverflow(1)
            if !isEnd { begin(open.last?.number ?? 0, at: next) }
        }
    }

    // MARK: As bytes

    /// The number of boundaries; then of each how far it is from the one before, and its number.
    func write(to bytes: inout [UInt8]) {
        SnapshotNumber.write(UInt64(starts.count), to: &bytes)
        var previous: Address = 0
        for (start, number) in zip(starts, numbers) {
            SnapshotNumber.write(UInt64(start - previous), to: &bytes)
            SnapshotNumber.write(UInt64(number), to: &bytes)
            previous = start
        }
    }

    /// - Parameter maxNumber: The highest that there may be.
    init(reading bytes: inout ArraySlice<UInt8>, maxNumber: Int) throws(RegionListError) {
        let count = try SnapshotNumber.read(&bytes)
        guard count <= RegionList.maxPrefixes * 2 else { throw RegionListError("has too many ranges") }
        var start: Address = 0
        for index in 0..<count {
            let (distance, number) = (try SnapshotNumber.read(&bytes), try SnapshotNumber.read(&bytes))
            let (next, overflow) = start.addingReportingOverflow(Address(truncatingIfNeeded: distance))
            guard distance <= UInt64(Address.max), !overflow, distance > 0 || index == 0, number <= maxNumber,
                number != UInt64(numbers.last ?? 0)
            else { throw RegionListError("is damaged") }
            start = next
            starts.append(start)
            numbers.append(UInt16(number))
        }
    }
}

/// Whole numbers in as many bytes as they need: seven bits in each, the lowest first, and a mark on all but the last (LEB128).
enum SnapshotNumber {
    static func write(_ number: UInt64, to bytes: inout [UInt8]) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    static func read(_ bytes: inout ArraySlice<UInt8>) throws(RegionListError) -> UInt64 {
        var number: UInt64 = 0
        for shift in stride(from: 0, through: 63, by: 7) {
            guard let byte = bytes.popFirst() else { throw RegionListError("ends early") }
            let bits = UInt64(byte & 0x7F)
            guard (bits << shift) >> shift == bits else { break }
            number |= bits << shift
            if byte & 0x80 == 0 { return number }
        }
        throw RegionListError("has a number that is too large")
    }
}
