import Primitives
import Testing

@Suite("Durations in whole units")
struct DurationWholeUnitsTests {
    @Test("are rounded towards zero")
    func rounding() {
        let duration =
            Duration.seconds(1) + .nanoseconds(999_999_999) + Duration(secondsComponent: 0, attosecondsComponent: 9)
        #expect(duration.wholeMilliseconds == 1_999)
        #expect(duration.wholeMicroseconds == 1_999_999)
        #expect(duration.wholeNanoseconds == 1_999_999_999)
        #expect((Duration.zero - duration).wholeMilliseconds == -1_999)
        #expect((Duration.zero - duration).wholeNanoseconds == -1_999_999_999)
        #expect(Duration.zero.wholeMicroseconds == 0)
    }

    @Test("stop at the ends of what fits")
    func ends() {
        let longest = Duration(secondsComponent: .max, attosecondsComponent: 999_999_999_999_999_999)
        let shortest = Duration(secondsComponent: .min, attosecondsComponent: 0)
        for unit in [\Duration.wholeMilliseconds, \.wholeMicroseconds, \.wholeNanoseconds] {
            #expect(longest[keyPath: unit] == .max)
            #expect(shortest[keyPath: unit] == .min)
        }
        // The seconds fit, and what is behind the point does not.
        let edge = Duration(secondsComponent: Int64.max / 1_000_000_000, attosecondsComponent: 999_999_999_999_999_999)
        #expect(edge.wholeNanoseconds == .max)
        #expect((Duration.zero - edge).wholeNanoseconds == .min)
        #expect(edge.wholeMilliseconds == Int64.max / 1_000_000_000 * 1_000 + 999)
    }
}
