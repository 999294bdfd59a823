import Testing

/// The fast path may not be told from the slow one: same bytes, same order, same end of the connection.
@Suite(.timeLimit(.minutes(10)))
struct DifferentialTests {
    @Test func `every stream of the table is answered with the same bytes by both paths`() async throws {
        try await DifferentialPair.run { pair in
            for stream in RequestStream.table { try await pair.compare(stream) }
            #expect(pair.fast.answeredFast > 100)
            #expect(pair.slow.answeredFast == 0)
        }
    }

    @Test func `where locations are signed HEAD comes from the slow path, and GET from the fast one`() async throws {
        try await DifferentialPair.run(.with { $0.isSigned = true }) { pair in
            for method in ["HEAD", "GET", "HEAD", "GET"] {
                let before = pair.fast.answeredFast
                try await pair.compare(RequestStream(method, RequestStream.request(method) + RequestStream.request(method)))
                #expect((pair.fast.answeredFast - before > 0) == (method == "GET"), "\(method)")
            }
        }
    }

    @Test func `plain hits do come from the fast path`() async throws {
        try await DifferentialPair.run { pair in
            for stream in RequestStream.plain.prefix(5) {
                let before = pair.fast.answeredFast
                try await pair.compare(stream)
                #expect(pair.fast.answeredFast == before + 1, "\(stream.name)")
            }
        }
    }

    @Test(arguments: ["GET", "HEAD"]) func `a hit that ends its connection comes from the fast path`(method: String) async throws {
        try await DifferentialPair.run { pair in
            let last = RequestStream.request(method, RequestStream.hit, "Connection: close\r\n")
            try await pair.compare(RequestStream("the only one", last))
            #expect(pair.fast.answeredFast == 1)
            try await pair.compare(RequestStream("behind another", RequestStream.request("GET", RequestStream.otherHit) + last))
            #expect(pair.fast.answeredFast == 3)
        }
    }

    @Test func `pipelined hits come from the fast path, also those behind a miss`() async throws {
        try await DifferentialPair.run { pair in
            let hits = RequestStream.request() + RequestStream.request("HEAD", RequestStream.otherHit)
            try await pair.compare(RequestStream("two hits", hits))
            #expect(pair.fast.answeredFast == 2)
            try await pair.compare(
                RequestStream("two hits, a miss and two hits", hits + RequestStream.request("GET", RequestStream.miss) + hits))
            #expect(pair.fast.answeredFast == 6)
        }
    }

    @Test func `a connection comes back to the fast path once the slow one has answered`() async throws {
        try await DifferentialPair.run { pair in
            try await RawConnection.run(port: pair.fast.port) { connection in
                for round in 1...3 {
                    let miss = try await connection.get(RequestStream.miss)
                    #expect(miss["X-Cloud-Mirror-Outcome"] == "fallback")
                    let hit = try await connection.get(RequestStream.hit)
                    #expect(hit["X-Cloud-Mirror-Outcome"] == "hit")
                    #expect(pair.fast.answeredFast == round)
                }
            }
        }
    }

    @Test func `two pipelined hits are answered wherever they are cut in two`() async throws {
        try await DifferentialPair.run { pair in
            let bytes = Array(
                (RequestStream.request("HEAD", RequestStream.hit, "Accept: */*\r\n") + RequestStream.request("GET", RequestStream.otherHit))
                    .utf8)
            let whole = try await pair.slow.answer(to: RequestStream("whole", [bytes]), separately: false)
            for cut in 1..<bytes.count {
                let stream = RequestStream("cut at \(cut)", [Array(bytes[..<cut]), Array(bytes[cut...])])
                let answer = try await pair.fast.answer(to: stream, separately: true)
                #expect(answer.elementsEqual(whole), "\(stream.name)\n\(answer.shown)")
            }
            #expect(pair.fast.answeredFast > 0)
        }
    }

    @Test(arguments: 1...4)
    func `750 broken streams are answered with the same bytes by both paths`(seed: UInt64) async throws {
        try await DifferentialPair.run { pair in
            var mutator = RequestMutator(seed: seed)
            for number in 1...750 { try await pair.compare(mutator.stream(number), separately: number % 10 == 0) }
            #expect(pair.fast.answeredFast > 75)
            #expect(pair.slow.answeredFast == 0)
        }
    }

    @Test func `a client that is slow to read gets the answers to all that it has sent`() async throws {
        try await DifferentialPair.run { pair in
            let connection = try await RawConnection.open(port: pair.fast.port, receiveBuffer: 4_096, readsAlone: false)
            let count = 2_000
            // Few enough for the server's first read, which is small.
            for _ in 0..<(count / 10) { await connection.send(String(repeating: RequestStream.request(), count: 10)) }
            await connection.finishSending()
            try await connection.beginReading()
            for _ in 0..<count {
                let response = try await connection.response()
                #expect(response.status == 302)
            }
            let rest = try await connection.rest()
            #expect(rest.bytes.isEmpty)
            #expect(pair.fast.answeredFast > 0)
            await connection.close()
        }
    }
}
