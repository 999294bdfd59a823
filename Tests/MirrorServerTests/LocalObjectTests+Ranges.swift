import MirrorCore
import MirrorState
import MirrorStorage
import MirrorTesting
import Testing
@testable import MirrorServer

extension LocalObjectTests {
    // MARK: Ranges

    @Test(arguments: [
        "bytes=0-0": 0..<1, "bytes=0-999": 0..<1_000, "bytes=10-19": 10..<20, "bytes=990-2000": 990..<1_000, "bytes=500-": 500..<1_000,
        "bytes=0-": 0..<1_000, "bytes=999-": 999..<1_000, "bytes=-1": 999..<1_000, "bytes=-1000": 0..<1_000, "bytes=-5000": 0..<1_000,
        "BYTES=1-2": 1..<3, "bytes=0-99999999999999999999": 0..<1_000, "bytes=-99999999999999999999": 0..<1_000, "bytes=007-08": 7..<9,
    ])
    func `a range is a 206 with just its bytes`(field: String, range: Range<Int>) async throws {
        try await serve { mirror, target, info in
            let response = try await mirror.get(target, [("Range", field)])
            #expect(response.statusLine == "HTTP/1.1 206 Partial Content")
            #expect(response.body == Array(Self.bytes[range]))
            #expect(response["Content-Range"] == "bytes \(range.lowerBound)-\(range.upperBound - 1)/1000")
            #expect(response["Content-Length"] == "\(range.count)")
            #expect(response["ETag"] == info.etag)
        }
    }

    @Test(arguments: ["bytes=1000-", "bytes=1000-1001", "bytes=5000-", "bytes=99999999999999999999-", "bytes=-0"])
    func `a range that begins beyond the end is a 416 that tells the size`(field: String) async throws {
        try await serve { mirror, target, _ in
            let response = try await mirror.get(target, [("Range", field)])
            #expect(response.status == 416)
            #expect(response["Content-Range"] == "bytes */1000")
            #expect(response.json["code"]?.string == "InputError")
        }
    }

    @Test(arguments: [
        "bytes=0-1,5-6", "bytes=0-1, 2-3", "bytes=,", "bytes=", "bytes=-", "bytes=x-y", "bytes=5", "bytes=9-5", "bytes=-5-", "bytes=0--1",
        "bytes=0x0-1", "bytes=+1-2", "bytes= 0-1", "bytes=0 - 1", "bytes=0-1 ", "byte=0-1", "items=0-1", "0-1", "bytes:0-1", "bytes=1.5-2",
        "bytes=٣-٤",
    ])
    func `a field that is no single range is a 200 with the whole`(field: String) async throws {
        // Spaces around the value belong to no value, so that the field is a range.
        let isRange = field == "bytes=0-1 "
        try await serve { mirror, target, _ in
            let response = try await mirror.get(target, [("Range", field)])
            #expect(response.status == (isRange ? 206 : 200))
            #expect(response.body.count == (isRange ? 2 : 1_000))
        }
    }

    // MARK: Conditions

    @Test func `conditions decide before ranges, in the order of RFC 9110`() async throws {
        try await serve { mirror, target, info in
            let tag = info.etag
            let time = info.lastModified.httpDate
            let before = (info.lastModified - .seconds(1)).httpDate
            let after = (info.lastModified + .seconds(1)).httpDate
            let range = ("Range", "bytes=0-1")
            let cases: [([(String, String)], Int)] = [
                // If-None-Match
                ([("If-None-Match", tag)], 304), ([("If-None-Match", "W/\(tag)")], 304), ([("If-None-Match", "*")], 304),
                ([("If-None-Match", "\"x\", \(tag)")], 304), ([("If-None-Match", "\"x\",W/\(tag) , \"y\"")], 304),
                ([("If-None-Match", "\"x\"")], 200),
                ([("If-None-Match", "\"x\""), range], 206), ([("If-None-Match", tag), range], 304),
                ([("If-None-Match", String(tag.dropLast()))], 200),
                ([("If-None-Match", "\"x\""), ("If-None-Match", tag)], 304), ([("If-None-Match", "\"a,b\"")], 200),
                // If-Match
                ([("If-Match", tag)], 200), ([("If-Match", "*")], 200), ([("If-Match", "\"x\", \(tag)")], 200),
                ([("If-Match", "\"x\"")], 412),
                ([("If-Match", "W/\(tag)")], 412), ([("If-Match", "\"x\""), ("If-None-Match", tag)], 412),
                ([("If-Match", tag), ("If-None-Match", tag)], 304),
                ([("If-Match", tag), range], 206), ([("If-Match", "\"x\""), range], 412),
                // If-Modified-Since
                ([("If-Modified-Since", time)], 304), ([("If-Modified-Since", after)], 304), ([("If-Modified-Since", before)], 200),
                ([("If-Modified-Since", "yesterday")], 200), ([("If-None-Match", "\"x\""), ("If-Modified-Since", after)], 200),
                ([("If-None-Match", tag), ("If-Modified-Since", before)], 304), ([("If-Modified-Since", after), range], 304),
                // If-Unmodified-Since
                ([("If-Unmodified-Since", time)], 200), ([("If-Unmodified-Since", after)], 200), ([("If-Unmodified-Since", before)], 412),
                ([("If-Unmodified-Since", "tomorrow")], 200), ([("If-Match", tag), ("If-Unmodified-Since", before)], 200),
                ([("If-Unmodified-Since", before), ("If-None-Match", tag)], 412),
                // If-Range
                ([("If-Range", tag), range], 206), ([("If-Range", "\"x\""), range], 200), ([("If-Range", "W/\(tag)"), range], 200),
                ([("If-Range", time), range], 206), ([("If-Range", before), range], 200), ([("If-Range", after), range], 200),
                ([("If-Range", "nonsense"), range], 200), ([("If-Range", tag)], 200), ([("If-Range", tag), ("Range", "bytes=5000-")], 416),
                ([("If-Range", "\"x\""), ("Range", "bytes=5000-")], 200),
            ]
            for (fields, status) in cases {
                let get = try await mirror.get(target, fields)
                #expect(get.status == status, "GET \(fields)")
                #expect(get.body.count == ([200: 1_000, 206: 2, 304: 0][status] ?? get.body.count), "GET \(fields)")
                if [200, 206, 304].contains(status) { #expect(get["ETag"] == tag) }
                // HEAD has no ranges.
                let head = try await mirror.request("HEAD", target, fields)
                #expect(head.status == ([206: 200, 416: 200][status] ?? status), "HEAD \(fields)")
            }
        }
    }

    @Test func `the date is the origin's, for conditions too, and the copy's where the origin stated none`() async throws {
        let date = Timestamp(milliseconds: 784_111_777_000)
        try await serve { metadata in
            metadata.upstreamLastModified = date
        } _: { mirror, target, info in
            let whole = try await mirror.get(target)
            #expect(whole["Last-Modified"] == date.httpDate)
            let before = (date - .seconds(1)).httpDate
            let range = ("Range", "bytes=0-1")
            let cases: [([(String, String)], Int)] = [
                ([("If-Modified-Since", date.httpDate)], 304), ([("If-Modified-Since", info.lastModified.httpDate)], 304),
                ([("If-Modified-Since", before)], 200), ([("If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT")], 304),
                ([("If-Unmodified-Since", date.httpDate)], 200), ([("If-Unmodified-Since", before)], 412),
                ([("If-Range", date.httpDate), range], 206), ([("If-Range", info.lastModified.httpDate), range], 200),
            ]
            for (fields, status) in cases {
                let response = try await mirror.get(target, fields)
                #expect(response.status == status, "\(fields)")
            }
        }
    }

    @Test func `a 304 has no body and no length, and the connection goes on`() async throws {
        try await serve { mirror, target, info in
            try await RawConnection.run(port: mirror.port) { connection in
                for _ in 0..<2 {
                    let response = try await connection.get(target, [("If-None-Match", info.etag)])
                    #expect(response.statusLine == "HTTP/1.1 304 Not Modified")
                    #expect(!response.has("Content-Length"))
                    #expect(response["Last-Modified"] == info.lastModified.httpDate)
                }
                let whole = try await connection.get(target)
                #expect(whole.body == Self.bytes)
            }
        }
    }
}
