import NIOCore
import Testing
import ZooKeeperProtocol

@Suite struct FrameTests {
    @Test func framesComeOutWhole() throws {
        var buffer = ByteBuffer()
        Frame.write(into: &buffer) { RequestHeader(xid: 1, operation: .ping).write(into: &$0) }
        Frame.write(into: &buffer) { _ in }
        #expect(Array(buffer.readableBytesView) == [0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 11, 0, 0, 0, 0])
        let whole = Array(buffer.readableBytesView)
        for cut in 0..<12 {
            var part = ByteBuffer(bytes: whole.prefix(cut))
            #expect(try Frame.decode(from: &part) == nil)
            #expect(part.readableBytes == cut)
        }
        #expect(try Frame.decode(from: &buffer)?.readableBytes == 8)
        #expect(try Frame.decode(from: &buffer)?.readableBytes == 0)
        #expect(try Frame.decode(from: &buffer) == nil)
    }

    @Test func impossibleLengthsThrowBeforeTheBytesArrive() {
        for length in [Int32.min, -1, 0x100000, .max] {
            var buffer = ByteBuffer(integer: length)
            #expect(throws: WireFormatError.self) { try Frame.decode(from: &buffer) }
        }
        var largest = ByteBuffer(integer: Int32(0xFFFFF))
        #expect(throws: Never.self) { try Frame.decode(from: &largest) }
    }
}
