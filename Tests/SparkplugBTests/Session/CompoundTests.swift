import SparkplugB
import Testing

@Suite("Data sets and templates as tags")
struct CompoundTests {
    private func dataSet(_ rows: [[UInt32?]]) -> SparkplugDataSet {
        SparkplugDataSet(
            columns: ["x", "y"], types: [.int8, .int32], rows: rows.map { $0.map { $0.map { .int($0) } } })
    }

    private func metric(alias: UInt64? = nil, _ value: SparkplugValue) -> SparkplugMetric {
        metric("t", alias: alias, value)
    }

    private func metric(_ name: String?, alias: UInt64? = nil, _ value: SparkplugValue) -> SparkplugMetric {
        let type: SparkplugDataType = if case .template = value { .template } else { .dataSet }
        return SparkplugMetric(name: name, alias: alias, type: type, value: value)
    }

    @Test("a data set's first row has the names of its columns, further rows have a number, whatever their count")
    func rows() {
        var listener = Listener()
        #expect(
            listener.hear(.nodeBirth, birth([metric(alias: 1, .dataSet(dataSet([[1, 2]])))]), at: 0)
                == ["node online at 0", "t/x=1", "t/y=2"])
        #expect(
            listener.hear(
                .nodeData, message(1, [metric(nil, alias: 1, .dataSet(dataSet([[3, 4], [0xFB, 6]])))]), at: 0)
                == ["t/x=3", "t/y=4", "t/1/x=-5", "t/1/y=6"])
        #expect(
            listener.hear(.nodeData, message(2, [metric(.dataSet(dataSet([[7, nil]])))]), at: 0)
                == ["t/x=7", "t/y=nil null", "t/1/x stale", "t/1/y stale"])
        #expect(
            listener.hear(.nodeData, message(3, [metric(.dataSet(dataSet([])))]), at: 0) == ["t/x stale", "t/y stale"])
        #expect(listener.session.tagCount == 4)
        #expect(listener.standing("t") == .untagged && listener.standing("t/x") == .unnamed)
    }

    @Test("a historical data set hides no rows")
    func historical() {
        var listener = Listener()
        _ = listener.hear(.nodeBirth, birth([metric(.dataSet(dataSet([[1, 2], [3, 4]])))]), at: 0)
        var past = metric(.dataSet(dataSet([[9, 9]])))
        past.isHistorical = true
        #expect(
            listener.hear(.nodeData, message(1, [past]), at: 0) == ["t/x=9 historical", "t/y=9 historical"])
    }

    @Test("a message that names a metric again and again costs no more than all tags twice")
    func repeated() {
        var listener = Listener()
        let rows = (0..<400).map { [UInt32($0 % 100), UInt32($0)] as [UInt32?] }
        var null = SparkplugMetric(name: "t", type: .dataSet)
        null.isNull = true
        let heard = listener.hear(
            .nodeBirth, birth([metric(.dataSet(dataSet(rows)))] + Array(repeating: null, count: 20_000)), at: 0)
        #expect(listener.session.tagCount == 800)
        #expect(heard.count < 3 * 10_000, "\(heard.count)")
        #expect(heard.contains { $0.hasPrefix("refused t: too many parts") })
        // The next message is read as ever.
        #expect(
            listener.hear(.nodeData, message(1, [metric(.dataSet(dataSet([[1, 2]])))]), at: 0).prefix(2) == [
                "t/x=1", "t/y=2",
            ])
    }

    @Test("a name that is too long is not made for every row")
    func longNames() {
        var listener = Listener()
        var long = dataSet((0..<300).map { [UInt32($0 % 100), 1] })
        long.columns[1] = String(repeating: "y", count: 900_000)
        #expect(
            listener.hear(.nodeBirth, birth([metric(.dataSet(long))]), at: 0).contains {
                $0.hasPrefix("refused t: the name cannot be the name of a tag")
            })
        #expect(listener.session.tagCount == 0)
    }

    @Test("a mistake of a cell costs that cell, one of the table all of it")
    func mistakes() {
        var listener = Listener()
        _ = listener.hear(.nodeBirth, birth([metric(.dataSet(dataSet([[1, 2]])))]), at: 0)
        #expect(
            listener.hear(.nodeData, message(1, [metric(.dataSet(dataSet([[300, 5]])))]), at: 0) == [
                "refused t/x: the value is out of the range of its type at byte 5", "t/x=nil bad", "t/y=5",
            ])
        var ragged = dataSet([[1, 2]])
        ragged.rows[0].removeLast()
        #expect(
            listener.hear(.nodeData, message(2, [metric(.dataSet(ragged))]), at: 0) == [
                "refused t: rows, columns and types of a data set do not fit at byte 5", "t/x=nil bad", "t/y=nil bad",
            ])
        var null = SparkplugMetric(name: "t", type: .dataSet)
        null.isNull = true
        #expect(listener.hear(.nodeData, message(3, [null]), at: 0) == ["t/x=nil null", "t/y=nil null"])
        #expect(
            listener.hear(.nodeData, message(4, [int("t", 5)]), at: 0).first
                == "refused t: the value does not fit the type at byte 5")
    }

    private var motor: SparkplugTemplate {
        let winding = SparkplugTemplate(reference: "winding", metrics: [int("temperature", 80)])
        return SparkplugTemplate(
            reference: "motor",
            metrics: [
                int("rpm", 1480), metric("winding", .template(winding)), metric("log", .dataSet(dataSet([[1, 2]]))),
            ], parameters: [.init(name: "serial", type: .string, value: .string("x"))])
    }

    @Test("members of templates, also of templates in them; data may have some of them, without their types")
    func templates() {
        var listener = Listener()
        #expect(
            listener.hear(.nodeBirth, birth([metric("m", .template(motor))]), at: 0) == [
                "node online at 0", "m/rpm=1480", "m/winding/temperature=80", "m/log/x=1", "m/log/y=2",
            ])
        var member = SparkplugMetric(name: "rpm", value: .int(0xFFFF_FFFF))
        member.properties = SparkplugPropertySet(quality: .bad)
        let part = SparkplugTemplate(reference: "motor", metrics: [member])
        #expect(listener.hear(.nodeData, message(1, [metric("m", .template(part))]), at: 0) == ["m/rpm=-1 bad"])
        // A birth has all that there are.
        let smaller = SparkplugTemplate(reference: "motor", metrics: [int("rpm", 1)])
        #expect(
            listener.hear(.nodeBirth, birth(at: 9000, [metric("m", .template(smaller))]), at: 0)
                == ["m/rpm=1", "m/winding/temperature stale", "m/log/x stale", "m/log/y stale"])
    }

    @Test("a metric with the name of another one's member is refused, and so are two members of one name")
    func collisions() {
        var listener = Listener()
        #expect(
            listener.hear(.nodeBirth, birth([int("m/rpm", 5), metric("m", .template(motor))]), at: 0).prefix(4) == [
                "node online at 0", "m/rpm=5", "refused m/rpm: another metric has a tag of this name",
                "m/winding/temperature=80",
            ])
        let twice = SparkplugTemplate(metrics: [int("a", 1), int("a", 2)])
        #expect(
            listener.hear(.nodeData, message(1, [metric("m", .template(twice))]), at: 0).first
                == "refused m: two values have the same name at byte 5")
    }

    @Test("a metric becomes a data set, and a number again")
    func changes() {
        var listener = Listener()
        _ = listener.hear(.nodeBirth, birth([int("t", 1)]), at: 0)
        #expect(
            listener.hear(.nodeBirth, birth(at: 9000, [metric(.dataSet(dataSet([[1, 2]])))]), at: 0)
                == ["t/x=1", "t/y=2", "t stale"])
        #expect(
            listener.hear(.nodeBirth, birth(at: 19_000, [int("t", 2)]), at: 0) == ["t=2", "t/x stale", "t/y stale"])
        #expect(listener.session.tagCount == 3)
    }

    @Test("a thousand values of one metric are taken, no more; eight templates in one another, no more")
    func capacities() throws {
        func wide(_ count: Int) -> SparkplugValue {
            .template(SparkplugTemplate(metrics: (0..<count).map { int("m\($0)", 1) }))
        }
        #expect(try SparkplugFlatValue.values(of: wide(1000), named: "t").count == 1000)
        #expect(throws: SparkplugError(.tooManyTags, at: 0)) {
            try SparkplugFlatValue.values(of: wide(1001), named: "t")
        }
        func deep(_ depth: Int) -> SparkplugValue {
            var value = SparkplugTemplate(metrics: [int("v", 1)])
            for _ in 1..<depth { value = SparkplugTemplate(metrics: [metric("m", .template(value))]) }
            return .template(value)
        }
        var listener = Listener()
        let path = Array(repeating: "m", count: 7).joined(separator: "/")
        #expect(listener.hear(.nodeBirth, birth([metric(deep(8))]), at: 0).last == "t/\(path)/v=1")
        #expect(
            listener.hear(.nodeBirth, birth(at: 9000, [metric(deep(9)), metric("u", wide(1001))]), at: 0).filter {
                $0.hasPrefix("refused")
            }.map { $0.prefix(30) } == ["refused t: nested too deep at ", "refused u: too many tags of on"])
    }
}
