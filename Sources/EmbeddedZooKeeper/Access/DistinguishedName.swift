import SwiftASN1

/// The name of a certificate's subject as text (RFC 2253), exactly as Java prints it (`X500Principal.getName()`): that text
/// is the id of the `x509` scheme, and tools and access lists contain it.
enum DistinguishedName {
    /// A certificate that is not one.
    struct Malformed: Error {}

    /// The subject of a certificate.
    static func subject(ofCertificate der: [UInt8]) throws -> String {
        let root = try DER.parse(der)
        guard var fields = children(of: root)?.first.flatMap(children(of:))?[...] else { throw Malformed() }
        // The version may be missing; then: serial number, signature, issuer, validity, subject.
        if fields.first?.identifier.tagClass == .contextSpecific { fields = fields.dropFirst() }
        guard let subject = fields.dropFirst(4).first, let relativeNames = children(of: subject) else {
            throw Malformed()
        }
        // Starting with the last element and moving backwards toward the first (section 2.1).
        return try relativeNames.reversed().map(relativeName).joined(separator: ",")
    }

    private static func relativeName(_ node: ASN1Node) throws -> String {
        guard let attributes = children(of: node) else { throw Malformed() }
        return try attributes.map(attribute).joined(separator: "+")
    }

    private static func attribute(_ node: ASN1Node) throws -> String {
        guard let parts = children(of: node), parts.count == 2 else { throw Malformed() }
        let type = try ASN1ObjectIdentifier(derEncoded: parts[0]).description
        guard let keyword = keywords[type], let text = text(of: parts[1]) else {
            let digits = Array("0123456789abcdef")
            let name = keywords[type] ?? type
            let encoded = parts[1].encodedBytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
            return name + "=#" + String(encoded)
        }
        return keyword + "=" + escaped(text)
    }

    /// The keywords of RFC 2253; every other type stands there as numbers, its value as bytes.
    private static let keywords = [
        "2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O", "2.5.4.11": "OU",
        "2.5.4.9": "STREET", "0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID",
    ]

    /// The value of a type of string that has a textual form.
    private static func text(of node: ASN1Node) -> String? {
        guard case .primitive(let bytes) = node.content, node.identifier.tagClass == .universal else { return nil }
        switch node.identifier.tagNumber {
        case 12: return String(decoding: bytes, as: UTF8.self)
        // Printable, IA5: ASCII. Teletex, general: ISO 8859-1, as Java reads them.
        case 19, 22, 20, 27: return String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
        // BMP: UTF-16, big-endian.
        case 30:
            let units = stride(from: bytes.startIndex, to: bytes.endIndex - 1, by: 2).map {
                UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1])
            }
            return String(decoding: units, as: UTF16.self)
        default: return nil
        }
    }

    private static func escaped(_ text: String) -> String {
        var escaped: [String] = []
        for scalar in text.unicodeScalars {
            switch scalar {
            case ",", "=", "+", "<", ">", "#", ";", "\"", "\\": escaped.append("\\" + String(scalar))
            case "\0": escaped.append("\\00")
            default: escaped.append(String(scalar))
            }
        }
        let isSpace = { (piece: String) in piece == " " || piece == "\r" }
        let leading = escaped.prefix(while: isSpace).count
        let trailing = escaped.reversed().prefix(while: isSpace).count
        for index in escaped.indices where index < leading || index >= escaped.count - trailing {
            escaped[index] = "\\" + escaped[index]
        }
        return escaped.joined()
    }

    private static func children(of node: ASN1Node) -> [ASN1Node]? {
        guard case .constructed(let nodes) = node.content else { return nil }
        return Array(nodes)
    }

    // MARK: Checking a name that somebody wrote

    /// Keywords that Java knows when it reads a name.
    private static let knownKeywords: Set<String> = [
        "CN", "C", "L", "S", "ST", "O", "OU", "T", "IP", "STREET", "DC", "DNQUALIFIER", "DNQ", "SURNAME", "GIVENNAME",
        "INITIALS", "GENERATION", "EMAIL", "EMAILADDRESS", "UID", "SERIALNUMBER",
    ]

    /// Whether it can be read as a name: what the `x509` scheme asks of an id.
    static func isValid(_ text: String) -> Bool {
        text.isEmpty || pieces(of: text)?.allSatisfy(isAttribute) == true
    }

    /// The attributes, cut at what separates them; `nil` when a quotation or an escape does not end.
    private static func pieces(of text: String) -> [Substring]? {
        var (isQuoted, isEscaped) = (false, false)
        let pieces = text.split(omittingEmptySubsequences: false) { character in
            if isEscaped {
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                isQuoted.toggle()
            } else {
                return !isQuoted && (character == "," || character == ";" || character == "+")
            }
            return false
        }
        return isQuoted || isEscaped ? nil : pieces
    }

    private static func isAttribute(_ piece: Substring) -> Bool {
        guard let equals = piece.firstIndex(of: "="), isType(piece[..<equals].drop { $0 == " " }) else { return false }
        var value = piece[piece.index(after: equals)...].drop { $0 == " " }
        while value.last == " " { value.removeLast() }
        switch value.first {
        case "#": return value.count % 2 == 1 && value.count > 1 && value.dropFirst().allSatisfy(\.isHexDigit)
        case "\"": return value.count > 1 && value.last == "\"" && !value.dropFirst().dropLast().contains("\"")
        default:
            var isEscaped = false
            return value.allSatisfy { character in
                defer { isEscaped = character == "\\" && !isEscaped }
                return isEscaped || !"\"<>".contains(character)
            }
        }
    }

    private static func isType(_ text: Substring) -> Bool {
        var type = String(text).uppercased()
        while type.last == " " { type.removeLast() }
        if knownKeywords.contains(type) { return true }
        if type.hasPrefix("OID.") { type.removeFirst(4) }
        let numbers = type.split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count >= 2 && numbers.allSatisfy { !$0.isEmpty && $0.allSatisfy { ("0"..."9").contains($0) } }
    }
}
