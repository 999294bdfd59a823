import Foundation
import MirrorCore
import TestServers
import Testing

@testable import CloudMirror

/// Bytes as a log has them, in blocks of any size.
final class MemoryBlocks: LogBlocks {
    private let bytes: [UInt8]
    private let blockSize: Int
    private var offset = 0

    init(_ bytes: [UInt8], blockSize: Int = 7) {
        self.bytes = bytes
        self.blockSize = blockSize
    }

    var position: Int64 { Int64(offset) }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = min(bytes.count - offset, blockSize, buffer.count)
        for index in 0..<count { buffer[index] = bytes[offset + index] }
        offset += count
        return count
    }
}

@Suite("Logs that plan reads") struct PlanLogTests {
    private struct Use: Equatable {
        var time: Int64
        var name: String
        var region: String
        var bytes: Int64
    }

    private static func uses(_ text: String, _ format: LogFormat, _ regions: LogRegions = LogRegions()) throws -> ([Use], LineCounts) {
        let source = LineSource(MemoryBlocks(Array(text.utf8)), try #require(format.lineFormat(regions: regions)), name: "log", region: nil)
        var uses: [Use] = []
        while try source.next() {
            uses.append(Use(time: source.use.time, name: source.use.name.text, region: source.use.region.text, bytes: source.use.bytes))
        }
        return (uses, source.lines)
    }

    private static let noon: Int64 = 1_769_860_800_000

    @Test("CSV: seconds with a fraction or RFC 3339, and fields with quotes")
    func csv() throws {
        let (uses, lines) = try Self.uses(
            """
            time,key,region,bytes
            1.0005,a/b,r0,12
            1.0015,a/b,r0,12\r
            2,"a,""b""/c",r1,7

            2026-01-31T12:00:00.250Z,x,,0
            1e3,a,r0,1
            1,a,r0
            -1,a,r0,1
            1,,r0,1
            1,a,r0,99999999999999999999
            3,d"e,"r,2",8
            time,a,r0,1
            """, .csv)
        #expect(
            uses == [
                Use(time: 1_000, name: "a/b", region: "r0", bytes: 12), Use(time: 1_002, name: "a/b", region: "r0", bytes: 12),
                Use(time: 2_000, name: "a,\"b\"/c", region: "r1", bytes: 7), Use(time: Self.noon + 250, name: "x", region: "", bytes: 0),
                Use(time: 1_000_000, name: "a", region: "r0", bytes: 1), Use(time: 3_000, name: "d\"e", region: "r,2", bytes: 8),
            ])
        #expect(lines.uses == 6)
        #expect(lines.others == 1)
        #expect(lines.unreadable == 5)
        #expect(lines.firstUnreadable == "log, line 8: 1,a,r0")
    }

    @Test("The common and the combined log: GET with 200, 206 and 304, and regions by network")
    func common() throws {
        let network = try #require(IPNetwork("192.0.2.0/24"))
        let (uses, lines) = try Self.uses(
            """
            192.0.2.7 - - [31/Jan/2026:12:00:00 +0000] "GET /a/b?sig=x HTTP/1.1" 200 2326
            198.51.100.1 - me [31/Jan/2026:13:00:00 +0100] "GET /a/b HTTP/1.1" 304 - "-" "a \\"quoted\\" agent"
            192.0.2.7 - - [31/Jan/2026:04:30:01 -0730] "GET /c HTTP/1.1" 206 5
            192.0.2.7 - - [31/Jan/2026:12:00:00 +0000] "POST /a/b HTTP/1.1" 200 2326
            192.0.2.7 - - [31/Jan/2026:12:00:00 +0000] "GET /a/b HTTP/1.1" 404 12
            192.0.2.7 - - [31/Foo/2026:12:00:00 +0000] "GET /a/b HTTP/1.1" 200 12
            files.example.org:443 192.0.2.7 - - [31/Jan/2026:12:00:00 +0000] "GET /a/b HTTP/1.1" 200 2326
            nothing
            """, .clf, LogRegions([(network, "near")], fallback: "far"))
        #expect(
            uses == [
                Use(time: Self.noon, name: "/a/b", region: "near", bytes: 2_326),
                Use(time: Self.noon, name: "/a/b", region: "far", bytes: 0),
                Use(time: Self.noon + 1_000, name: "/c", region: "near", bytes: 5),
                Use(time: Self.noon, name: "/a/b", region: "near", bytes: 2_326),
            ])
        #expect(lines.others == 2)
        #expect(lines.unreadable == 2)
    }

    @Test("CloudFront's logs, with the columns that they name")
    func cloudFront() throws {
        let (uses, lines) = try Self.uses(
            """
            #Version: 1.0
            #Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer)
            2026-01-31\t12:00:00\tIAD12-C1\t1045619\t192.0.2.1\tGET\td1.cloudfront.net\t/a/b.zip\t200\t-
            2026-01-31\t12:00:01\tFRA2\t10\t192.0.2.1\tHEAD\td1.cloudfront.net\t/a/b.zip\t200\t-
            #Fields:\tsc-status\tcs-uri-stem\tcs-method\ttime\tdate\tsc-bytes\tx-edge-location
            206\t/x\tGET\t12:00:02\t2026-01-31\t7\tFRA2
            206\t/x\tGET\t12:00:61\t2026-01-31\t7\tFRA2
            """, .cloudfront)
        #expect(
            uses == [
                Use(time: Self.noon, name: "/a/b.zip", region: "IAD", bytes: 1_045_619),
                Use(time: Self.noon + 2_000, name: "/x", region: "FRA", bytes: 7),
            ])
        // The three lines that begin with #, and HEAD.
        #expect(lines.others == 4)
        #expect(lines.unreadable == 1)
    }

    @Test("Access logs of a bucket: reads of objects, with the size of the object")
    func bucket() throws {
        let head = "79a59df900b949e5 bucket [31/Jan/2026:12:00:00 +0000] 192.0.2.3 - 3E57427F3EXAMPLE"
        let tail = #""GET /k?versioning HTTP/1.1""#
        let (uses, lines) = try Self.uses(
            """
            \(head) REST.GET.OBJECT a/b%20c \(tail) 206 - 113 5000 7 - "-" "a \\"b\\"" -
            \(head) REST.GET.OBJECT a/b%20c \(tail) 304 - - - 7 - "-" "x" -
            \(head) REST.GET.OBJECT c "GET /c?a"b HTTP/1.1" 200 - 113 6000 7 - "-" "x" -
            \(head) REST.PUT.OBJECT a/b%20c \(tail) 200 - 113 5000 7 - "-" "x" -
            \(head) REST.GET.OBJECT a/b%20c \(tail) 403 AccessDenied 113 - 7 - "-" "x" -
            \(head)
            """, .s3, LogRegions(fallback: "here"))
        #expect(
            uses == [
                Use(time: Self.noon, name: "a/b%20c", region: "here", bytes: 5_000),
                Use(time: Self.noon, name: "a/b%20c", region: "here", bytes: 0),
                Use(time: Self.noon, name: "c", region: "here", bytes: 6_000),
            ])
        #expect(lines.others == 2)
        #expect(lines.unreadable == 1)
    }

    @Test("The mirror's own log: members in any order, escapes, and what was no use")
    func mirror() throws {
        let (uses, lines) = try Self.uses(
            #"""
            {"time":"2026-01-31T12:00:00.500Z","artifact":"https://a.example/x","pool":"s3/us-east-1","bytes":12,"outcome":"hit"}
            { "bytes" : 13, "pool" : "s3/us-east-1" , "x":null, "artifact":"https://a.example/\u00e9\"\/y", "time" : 1769860800 }
            {"time":"2026-01-31T12:00:00Z","artifact":"https://a.example/x","pool":"p","outcome":"error"}
            {"time":"2026-01-31T12:00:00Z","outcome":"dropped","lines":3}
            {"time":"2026-01-31T12:00:00Z","artifact":"https://a.example/x"}
            {"time":"2026-01-31T12:00:00Z","artifact":"https://a.example/x","pool":["p"]}
            {"time":"2026-01-31T12:00:00Z","artifact":"https://a.example/x
            """#, .mirror)
        #expect(
            uses == [
                Use(time: Self.noon + 500, name: "https://a.example/x", region: "s3/us-east-1", bytes: 12),
                Use(time: Self.noon, name: "https://a.example/\u{E9}\"/y", region: "s3/us-east-1", bytes: 13),
            ])
        #expect(lines.others == 2)
        #expect(lines.unreadable == 3)
    }

    @Test(
        "A log says by its beginning what it is",
        arguments: [
            ("time,key,region,bytes\n", LogFormat.csv), ("1,a,b,2\n", .csv), ("1,a,,2\n", .csv), ("\u{FEFF}{\"time\":1}", .mirror),
            (#"{"time":1}"#, .mirror), ("#Version: 1.0\n", .cloudfront),
            ("1 b [31/Jan/2026:12:00:00 +0000] 192.0.2.3 - 3E REST.GET.OBJECT k \"GET /k\" 200\n", .s3),
            ("1 b [31/Jan/2026:12:00:00 +0000] - AmazonS3 3E S3.EXPIRE.OBJECT k \"-\" - - - 5000 - - \"-\" \"-\" -\n", .s3),
            ("192.0.2.7 - - [31/Jan/2026:12:00:00 +0000] \"GET /a,b,c,d HTTP/1.1\" 200 2326\n", .clf), ("CMTRACE1", .cmt),
            ("cut off\n192.0.2.7 - - [31/Jan/2026:12:00:00 +0000] \"GET /a HTTP/1.1\" 200 2326\n", .clf),
        ] as [(String, LogFormat)])
    func formats(_ beginning: String, _ format: LogFormat) {
        #expect(LogFormat(beginning: Array(beginning.utf8)) == format)
        #expect(LogFormat(beginning: Array("x".utf8)) == nil)
    }

    @Test("Lines are found in blocks of any size, and one that is too long is cut", arguments: [1, 3, 8, 1_000, 1 << 20])
    func lines(_ blockSize: Int) throws {
        let words = (0..<500).map { String(repeating: "x", count: $0 % 23) + "\($0)" }
        let lines = LogLines(MemoryBlocks(Array(words.joined(separator: "\n").utf8), blockSize: blockSize))
        var read: [String] = []
        while let line = try lines.next() { read.append(line.text) }
        #expect(read == words)
        let long = LogLines(MemoryBlocks([UInt8](repeating: 0x61, count: 3 << 20) + Array("\nb".utf8), blockSize: max(blockSize, 1 << 16)))
        var lengths: [Int] = []
        while let line = try long.next() { lengths.append(line.count) }
        #expect(lengths.dropLast().allSatisfy { $0 <= 2 * LogLines.maxLength })
        #expect(lengths.reduce(0, +) == (3 << 20) + 1)
        #expect(lengths.last == 1)
    }

    // MARK: gzip

    /// What zlib makes of ``manyLines``: a block with codes of its own.
    private static let dynamic =
        "H4sIAAAAAAACA2WaPc7tuBFEc63lwcP+I5v7sQ0M4Gj2H7jEW0mJkwpo8N3p0jmlj+Nf9efff//z1/jrv3//7z/jzz/jj40xnlh8YOeB/fnH3gf2rOQDPw/8"
        + "zz/+PvDHzPgkzpPgrHgsm0/yPEkOy8e6+KTOk+K0etydT+Z5MjltPl5bzrw4bT2+pxy6Oa2fiJBTb07b+HcOObWN3zgbT44lxzb7zTN7MlPObf4baP5kmxzc"
        + "ggPjKWs5uSUH5lNV+nsXB9ZT2+XsNjlwPtO3Hn5x4HrmnHr45sB+1gg9/ObAjf+5Qw7v4zfQx7PWksO7/Qa6PW0ph3f/DXR/ukzXJTgwnu6Ww3tyYD7bSw7v"
        + "xYH17OlyeJ8cOJ+9tx5+ceB6YurZm/PwY4QefXPcxj4POXowHDGw0EtXnfEIw0anHD0YkHCstMnRgwmJwE63HD0YkUgsdcnZgxmJwla7HD4Ykpj4B289PFMS"
        + "C2s99fCMSTTWOvTwzElsrPWQwydzkgNrveTwyZykYa1TDp/MSTrW2uTwyZxkYK1bDp/MSSbWuuTwyZxkYa1d3zLMSU78T956eOYkF9Z66uGZk2ysdejhmZPc"
        + "WOshh2dMamCrl6b1N64MS526779p5dhp05+d0wIr3XpwTssnSo7NgBR+BpdDMx41Hxtbzsx01MI6Tzkz01GNbQ45M9NRG8s89P3CdMyBZV76fmE6pmGZU1+O"
        + "TMd0LLPpy5HpmIFlbn05Mh0zscylPzfTMQvL7PpyZDrmfHJtPTzTMReWeerhmY7ZWObQwzMdc2OZh75gmI41sMxKUmc6lmGZPyxlOpZjmRWmznSswDIrTZ3p"
        + "WIllVpw607EKy6w8daZjzadTgepMx1rYZiWqMx2rsc6KVGc61sY+K1OD8eiBhVamBvPR9oQiNZiPxo+hRA3mo2EWQ4kaDEhDLVKJGoxIF7ZaiRoMSUMuTIka"
        + "TEnDLkqJGoxJN9ZaiRrMScMvQomazMmGYk0lajInG34xlKjJnGz4RSpRkznZgbVWoiZzsuEXpkRN5mTDL0qJmszJnk+1EjWZkw2/cEVqMie7sdbK1GRONvxi"
        + "KFN/MYGIYasVqb+U2CucS4n6CwkQjZ3+AJXT4BapPE1OS2y04rQ4DWbhStPJaRCLUpguTltYZ2Vpc9prnHLozWHvT6Dvl1828AjLrBy1XzbwH5ZZOWq/cBh8"
        + "01o5asGBsApTjlpyIKyilKNWHAjz3spRmxwIq3DlqC0OfA1LOWrNgbCKoRy1zYGwilSO+i8dBt/MpSD1XzoMvln2IekvHQbfrFKUenAg7LuVpZ4cCKtwpakX"
        + "BxaWWXnqkwNh31uB6osDYRWhRPXmQAjnUqT65kBYhSlTg/GAcXYqU4P5gHF2K1ODAYFxblemBhMC49ylTA1GBMa5tzI1mJHXOBWpwYzE+2Po0ZkR+KYNJWow"
        + "JPBNSyVqMCbwTWslajIn8E03JWoyJ/BNLyVqMifwTd9K1GRO4Jvhn37KnMA3YypRkzmBb+ZQoiZzAt/MUKImcwLfzKVETeYEvlmmRE3mBL5ZpURlTOCb1Z+S"
        + "+hsH35yuQGVI4JtzfoDKaTDvrTxlROCbKxSnTMgrnEtpyoDAOHsoTJkPGGenspTxgHF2K0qZDhjndiUpm7rBOHcpSdnUDca5t5KUTd1e41SQsqgbhHMqR9nT"
        + "Db5pQznKnm7wTUvlKHu6wTdtKUfZ0w2+6aYcZU83+KaXcpQ93eCbvpWj7OkG3wxXkLKnG3wz5oekTAd8M4eilD3d4JsZylL2dINv5lKYsqcbfLNMacqebvDN"
        + "SsUpe7rBN6uVpyzqBt+crkRlU8dPi31WprKp4xWChVamsqkDmthoZSqbur3CuZSpbOpoQ9hpZSqbOmo/llqZyqZuMM5uZSqbusE4tylT2dQNxrlLmcqmbjDO"
        + "vZWpbOr2GqcilUXdIJxTicqebvBNG0pU9nSDb1oqUdnTDb5p69NOmRP4ppsSlT3d4JteSlT2dINveitR2dMNvhmuRGVPN/hmTCUqe7rBN3MoUX8xcfhmxqek"
        + "nnEO38ylPP2FxOGbZR+cchrcIpWmyWkQ71aYFqfBLFxhOjkNLC2F6eI0WPdWljanvd+xFKWb0yCcS0nKpu4wzh6fr7y/dDiMs1NJyqbuMM5uJSmbusM4tylJ"
        + "2dQdxrlLScqmjkXBMitJ2dTxanxcQcqi7ucDpx69OQ5WMZSj7Omodlhm5Sh7usM3bSlI2dMdvun2IekvHQ7f9FKUsqc7fNNbWcqe7vDNcIUpe7rDN2MqTdnT"
        + "Hb4ZW3HKnu7wzQzlKXu6wzdzKVDZ0x2+WaZEZU93+GalEpU93eGb1UpUFnWHb05XpLKpO3xzljKVTd3hm3MrU9nUHb65QpnKpu4QzjWVqWzqDuPsoUxlU3cY"
        + "Z6cylU3dYZzdylQ2dYdxblOmsqk7jHOXMpVN3WGceytT2dQ9393QtyNj8n7gVKKypzt804YSlT3d4ZsWSlT2dIdv2lKisqc7fNNNicqe7vBNLyUqYwLf9P6U"
        + "1N84+Ga48pQhgW/G/OCU02De+/Oll9OgFqEwZULgm7mUpQwIfLOGopT5gG9WKkkZD/hmtYKU6YBvTleQsqk7fHPW5yMv0wHfnFtJyqbu8M0VSlI2dYdwrqkk"
        + "ZVN3GGcPJSmbusM4O5WkbOoO4+ylJGVTdxjnNiUpm7rDOHcpSdnUHca5t5KUTd1hnK4kZVH39wPnh6TMBnzThqKUPd3hmxbKUvZ0h2/aUpiypzt8001pyp7u"
        + "8E1PxSl7usM3vZWn7OkO3wxXoLKnO3wzphKVPd3hm7GVqOzpDt/MUKKypzt8M9fnT6dMCHyzhhKVPd3hm5VKVPZ0h29WK1FZ1PHPfaYpUtnUkWustTKVTR0g"
        + "w1orU9nUIWxYa2UqmzoqCtZamcqmjiqOtVamsqk7jLNTmcqm7jDOXp9+ypzAOLcpU9nUHca5S5nKpu4wzt3KVDZ1h3G6IpVF3d8PnEpU9nSHb9pQov5CEvBN"
        + "i09FPdMCvmnr89fTMy3gm24fnHIa+JGfL72cBvFuhWlx2vvtRlk6OQ1iUYrSxWmw7q0kbU6DVoSCdHManHspR9nTA75Z4/OR95eOgG9WKkfZ0wO+Wa0cZVEP"
        + "+OY0BSmbetgLUiUpm3rAN+dWkrKpB3xzuZKUTT0gnGsqSdnUA8bZQ0nKph4wzk4lKZt6wDh7KUrZ1APGue3D0l868L8Qy6wwZVPH6wrLrDRlUweYH1easqjH"
        + "+4FTacqeHufv6XryxWmQilCcsqYHdNOW8pQ1PaCbbgpU1vSAbnoqUFnTA7rprUBlTQ/oZvjn76YMCHQzSoHKmh7QzdgKVNb0gG5mKFBZ0wO6mVOBypoe0M0a"
        + "ClTW9IBuVipQWdMDulmtQGVPD+jmNCUqi3pAN2cpUlnUA7o5tyKVRT2gm8s/9ZQxgW+uqUhlUQ8IZw9FKot6QDg7FKks6gHh7KVIZVEPCOc2RSqLekA4d43v"
        + "RaR3HoRz93UT6R0H4fTrJtI77P2+eV1EOrPegHzvIZ1REIu47iGdWbDudd1DOsOgFeO6h3SmgRx53UM606Dcfd1DOtPgFH7fQ3rHwTaj7ntI7zzYZuz7HtI7"
        + "ELaZcd9DOgMDu3zfQzoD4RTjvod0BsIp8r6HdAZCvNd9D+kMhFPYfQ/pDARG676HdAbCvfd9D+kdCNtcft9DegdCN9e87yG9A+GbPe57SGcgnCLue0hnINx7"
        + "3feQzkA4hd33kM5AvDfzvod0BsK9+76IdAZiNe6LSGcefoz7HtI77v1r+n0N6Z0G2bS4ryG94yCbtu5rSGcetGLc15DOQAAk72tIZyDUu+9rSGcgzMLua0hn"
        + "INSi7mtIZyDUe9/XkM5AyEXc15DegZDNnPc1pHcgZLPGfQ3pHQjZrLyvIZ2BUO91X0M6AyEXdl9DOgPB07qvIZ2BUO++ryGdgZALv68hnYGNrb6vIZ2B+/k/"
        + "jfkUKb0pAAA="
    private static let fixed = "H4sIAAAAAAACAzPUSdRP0iky0DHlMkIwDUkQBQBmiBl9QgAAAA=="
    private static let stored = "H4sIAAAAAAAEAwELAPT/MSxhL2IscjAsNQrQZIHQCwAAAA=="

    private static var manyLines: String {
        (0..<400).map { "\($0 * 37 % 1_000).5,dir/\($0 % 7)/file\($0 % 50),r\($0 % 3),\(1_000 + $0)\n" }.joined()
    }

    private static func inflated(_ bytes: [UInt8], blockSize: Int = 7, reading count: Int = 100) throws -> String {
        let blocks = GzipBlocks(MemoryBlocks(bytes, blockSize: blockSize), name: "log.gz")
        var out: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: count)
        while true {
            let read = try buffer.withUnsafeMutableBytes { try blocks.read(into: $0) }
            if read == 0 { return String(decoding: out, as: UTF8.self) }
            out += buffer[..<read]
        }
    }

    private static func decoded(_ base64: String) throws -> [UInt8] { Array(try #require(Data(base64Encoded: base64))) }

    @Test("What gzip has compressed is read as it was, whatever the kind of block and however many members", arguments: [1, 100, 1 << 20])
    func gzip(_ count: Int) throws {
        let short = String(repeating: "1,a/b,r0,5\n2,a/b,r0,5\n", count: 3)
        #expect(try Self.inflated(Self.decoded(Self.dynamic), reading: count) == Self.manyLines)
        #expect(try Self.inflated(Self.decoded(Self.fixed), reading: count) == short)
        #expect(try Self.inflated(Self.decoded(Self.stored), reading: count) == "1,a/b,r0,5\n")
        let members = try Self.decoded(Self.fixed) + Self.decoded(Self.dynamic) + Self.decoded(Self.stored) + [0, 0, 0]
        #expect(try Self.inflated(members, blockSize: 1_000, reading: count) == short + Self.manyLines + "1,a/b,r0,5\n")
    }

    @Test("Damaged data, and data that end early, are errors that say which")
    func damaged() throws {
        let bytes = try Self.decoded(Self.dynamic)
        for index in [3, 12, 40, bytes.count / 2, bytes.count - 6, bytes.count - 2] {
            var damaged = bytes
            damaged[index] ^= 0x55
            #expect(try Self.failure(damaged).contains("are damaged before byte"), "byte \(index)")
        }
        for count in [1, 5, 11, bytes.count / 2, bytes.count - 1] {
            let wanted = "log.gz: the file ends within its compressed data: it is incomplete"
            #expect(try Self.failure(Array(bytes[..<count])) == wanted, "\(count) bytes")
            #expect(try Self.failure(bytes + bytes[..<count]) == wanted, "\(count) bytes of the second member")
        }
        #expect(try Self.failure(bytes + Array("text".utf8)).contains("are damaged before byte"))
        #expect(try Self.failure(bytes + [0, 0, 1]).contains("are damaged before byte"))
    }

    private static func failure(_ bytes: [UInt8]) throws -> String {
        try #require(throws: CommandFailure.self) { try inflated(bytes) }.message
    }

    /// A million and a half times the letter x in 1.5 KiB, without a line break.
    private static let bomb =
        "H4sIAAAAAAACA+3BAQEAAACCoNvOb0hAAQ" + String(repeating: "A", count: 1935)
        + "PBoQzxI52DjFgA="

    @Test("What expands a thousandfold is cut into lines as if it had come as it is")
    func bomb() throws {
        let bytes = try (0..<8).flatMap { _ in try Self.decoded(Self.bomb) }
        let lines = LogLines(GzipBlocks(MemoryBlocks(bytes, blockSize: 1 << 16), name: "log.gz"))
        var lengths: [Int] = []
        while let line = try lines.next() { lengths.append(line.count) }
        #expect(lengths.allSatisfy { $0 <= 2 * LogLines.maxLength })
        #expect(lengths.reduce(0, +) == 8 * 1_500_000)
    }
}
