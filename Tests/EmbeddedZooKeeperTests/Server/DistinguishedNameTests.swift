import Testing

@testable import EmbeddedZooKeeper

/// What a certificate's subject is called, beside what Java 17's `X500Principal` makes of the same.
@Suite struct DistinguishedNameTests {
    /// The parts of a certificate that matter, made here: an OID's content bytes, a string type and its bytes.
    private static func certificate(_ names: [[(type: [UInt8], tag: UInt8, value: [UInt8])]], version: Bool = true)
        -> [UInt8]
    {
        let subject = names.map { attributes in
            encoded(0x31, attributes.flatMap { encoded(0x30, encoded(6, $0.type) + encoded($0.tag, $0.value)) })
        }
        let integer = encoded(2, [1])
        var fields = version ? encoded(0xA0, encoded(2, [2])) : []
        for field in [
            integer, encoded(0x30, []), encoded(0x30, []), encoded(0x30, []), encoded(0x30, subject.flatMap { $0 }),
        ] {
            fields += field
        }
        return encoded(0x30, encoded(0x30, fields) + encoded(0x30, []) + encoded(3, [0]))
    }

    private static func encoded(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        let count = content.count
        let length =
            switch count {
            case ..<128: [UInt8(count)]
            case ..<256: [0x81, UInt8(count)]
            default: [0x82, UInt8(count >> 8), UInt8(count & 255)]
            }
        return [tag] + length + content
    }

    private static func name(_ type: [UInt8], _ text: String, tag: UInt8 = 12) -> [(
        type: [UInt8], tag: UInt8, value: [UInt8]
    )] {
        [(type, tag, Array(text.utf8))]
    }

    private static let (country, state, place, organisation, unit, common) =
        ([85, 4, 6], [85, 4, 8], [85, 4, 7], [85, 4, 10], [85, 4, 11], [85, 4, 3])
        as ([UInt8], [UInt8], [UInt8], [UInt8], [UInt8], [UInt8])
    private static let mail: [UInt8] = [42, 134, 72, 134, 247, 13, 1, 9, 1]
    private static let domain: [UInt8] = [9, 146, 38, 137, 147, 242, 44, 100, 1, 25]

    @Test func subjectsReadAsJavaPrintsThem() throws {
        let plain = Self.certificate([
            Self.name(Self.country, "DE", tag: 19), Self.name(Self.state, "Bayern"), Self.name(Self.place, "München"),
            Self.name(Self.organisation, "Ärger, Söhne & Co. + KG"), Self.name(Self.unit, "a=b #1 \"q\" <x>;\\ z"),
            Self.name(Self.common, "line keeper"),
        ])
        #expect(
            try DistinguishedName.subject(ofCertificate: plain)
                == ##"CN=line keeper,OU=a\=b \#1 \"q\" \<x\>\;\\ z,O=Ärger\, Söhne & Co. \+ KG,L=München,ST=Bayern,C=DE"##
        )
        let rare = Self.certificate(
            [
                Self.name(Self.domain, "org", tag: 22), Self.name(Self.common, "#lead"),
                Self.name(Self.mail, "a@b.c", tag: 22), Self.name([85, 4, 5], "42", tag: 19),
            ], version: false)
        #expect(
            try DistinguishedName.subject(ofCertificate: rare)
                == ##"2.5.4.5=#13023432,1.2.840.113549.1.9.1=#16056140622e63,CN=\#lead,DC=org"##)
        let spaces = Self.certificate([
            Self.name(Self.common, " two spaces  "),
            Self.name(Self.organisation, "x") + Self.name(Self.common, "multi"), Self.name([85, 4, 12], "T"),
        ])
        #expect(
            try DistinguishedName.subject(ofCertificate: spaces)
                == ##"2.5.4.12=#0c0154,O=x+CN=multi,CN=\ two spaces\ \ "##)
        let blank = Self.certificate([Self.name(Self.organisation, "  "), Self.name(Self.common, "日本")])
        #expect(try DistinguishedName.subject(ofCertificate: blank) == ##"CN=日本,O=\ \ "##)
        #expect(try DistinguishedName.subject(ofCertificate: Self.certificate([])) == "")
        let wide = Self.certificate([[(Self.common, 30, [0, 74, 0, 246, 0, 114, 0, 103])]])
        #expect(try DistinguishedName.subject(ofCertificate: wide) == "CN=Jörg")
    }

    @Test func whatIsNoCertificateThrows() throws {
        let whole = Self.certificate([Self.name(Self.common, "x")])
        for count in 0..<whole.count {
            #expect(throws: (any Error).self) {
                try DistinguishedName.subject(ofCertificate: Array(whole.prefix(count)))
            }
        }
        for at in whole.indices {
            var bytes = whole
            for change in [0, 0x30, 0x7F, 0xFF] as [UInt8] {
                bytes[at] = change
                _ = try? DistinguishedName.subject(ofCertificate: bytes)
            }
        }
    }

    /// Java 17's verdicts.
    @Test(arguments: [
        ("", true), ("CN=x", true), ("cn = x", true), ("CN=", true), ("x", false), ("CN=a,O=b", true),
        ("CN=a;O=b", true),
        ("CN=a+O=b", true), ("FOO=x", false), ("1.2.3=x", true), ("OID.1.2.3=x", true), ("1.2=#0c0161", true),
        ("CN=\"a,b\"", true), ("CN=\"a", false), ("CN=a\\", false), ("CN=a,", false), (",CN=a", false),
        ("CN=a,,O=b", false), ("CN=a\\,b", true), ("CN=a=b", true), ("CN=a\"b", false), ("CN=#zz", false),
        ("EMAILADDRESS=a@b", true), (" ", false), ("1=x", false), ("CN=a<b", false),
    ])
    func namesThatSomebodyWrote(_ text: String, _ isValid: Bool) {
        #expect(DistinguishedName.isValid(text) == isValid)
    }
}
