import Foundation

/// Who is at the terminal.
enum Person {
    static var current: String {
        let process = ProcessInfo.processInfo
        if let person = process.environment["SUDO_USER"], !person.isEmpty { return person }
        return process.userName.isEmpty ? "unknown" : process.userName
    }
}
