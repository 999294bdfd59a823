/// Which server of a cluster has which slot. Does no I/O.
struct SlotMap: Equatable {
    /// Far more masters than a cluster has. Slots of further ones have no owner: each server is a connection.
    static let maxServers = 256

    /// Every server that has had a slot, once.
    private(set) var servers: [RedisConfiguration.Address] = []
    /// By slot; an index of `servers`, or -1.
    private var owners = [Int16](repeating: -1, count: HashSlot.count)

    init() {}

    /// Reads the answer to `CLUSTER SLOTS`.
    ///
    /// - Parameter asked: The server that answered; it replaces a host that is not stated.
    init?(_ reply: RedisValue, asked: RedisConfiguration.Address) {
        guard let ranges = reply.array else { return nil }
        for range in ranges {
            guard let parts = range.array, parts.count >= 3, let first = parts[0].integer, let last = parts[1].integer,
                first >= 0, first <= last, last < Int64(HashSlot.count), let master = parts[2].array, master.count >= 2,
                let port = master[1].integer.flatMap({ Int(exactly: $0) })
            else { return nil }
            let host = master[0].string ?? ""
            guard let address = RedisConfiguration.Address(told: host.isEmpty || host == "?" ? asked.host : host, port: port) else {
                return nil
            }
            assign(Int(first)...Int(last), to: address)
        }
    }

    var isComplete: Bool { !owners.contains(-1) }

    /// An index of `servers`.
    func owner(of slot: Int) -> Int? {
        let owner = owners[slot]
        return owner < 0 ? nil : Int(owner)
    }

    mutating func assign(_ slots: ClosedRange<Int>, to address: RedisConfiguration.Address) {
        let index: Int
        if let known = servers.firstIndex(of: address) {
            index = known
        } else {
            guard servers.count < Self.maxServers else { return }
            index = servers.count
            servers.append(address)
        }
        for slot in slots { owners[slot] = Int16(index) }
    }
}

/// Where a slot is, according to a server of a cluster: `MOVED 3999 127.0.0.1:6381`, `ASK 3999 127.0.0.1:6381`.
struct SlotRedirection: Equatable {
    var slot: Int
    var address: RedisConfiguration.Address

    /// - Parameter asked: The server that answered; it replaces a host that is not stated.
    init?(_ error: RedisError, asked: RedisConfiguration.Address) {
        let words = error.message.split(separator: " ")
        guard words.count == 3, let slot = Int(words[1]), (0..<HashSlot.count).contains(slot), let colon = words[2].lastIndex(of: ":"),
            let port = UInt16(words[2][words[2].index(after: colon)...])
        else { return nil }
        let host = words[2][..<colon]
        guard let address = RedisConfiguration.Address(told: host.isEmpty || host == "?" ? asked.host : String(host), port: Int(port))
        else { return nil }
        self.slot = slot
        self.address = address
    }
}
