import NIOCore

extension ByteBuffer {
    /// Writes a command in the form that servers read: an array of strings.
    mutating func write(_ command: RedisCommand) {
        writeHeader(UInt8(ascii: "*"), command.words.count)
        for word in command.words {
            switch word {
            case .text(let text):
                writeHeader(UInt8(ascii: "$"), text.utf8.count)
                writeString(text)
            case .integer(let value):
                let text = String(value)
                writeHeader(UInt8(ascii: "$"), text.utf8.count)
                writeString(text)
            case .bytes(let bytes):
                writeHeader(UInt8(ascii: "$"), bytes.count)
                writeBytes(bytes)
            }
            writeInteger(0x0D0A as UInt16)
        }
    }

    /// `*12\r\n`
    private mutating func writeHeader(_ type: UInt8, _ count: Int) {
        writeInteger(type)
        if count < 10 {
            writeInteger(UInt8(ascii: "0") + UInt8(count))
        } else if count < 100 {
            writeInteger(UInt16(UInt8(ascii: "0") + UInt8(count / 10)) << 8 | UInt16(UInt8(ascii: "0") + UInt8(count % 10)))
        } else {
            writeString(String(count))
        }
        writeInteger(0x0D0A as UInt16)
    }
}
