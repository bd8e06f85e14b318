import Primitives
import Testing

@Suite("Base64")
struct Base64Tests {
    @Test(
        "as in RFC 4648, section 10, and the last letters of the alphabet",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ])
    func table(content: String, text: String) {
        #expect(Base64.text(Array(content.utf8)) == text)
        #expect(Base64.text([0xFB, 0xEF, 0xFF]) == "++//")
    }
}
