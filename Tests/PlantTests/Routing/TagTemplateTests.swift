import Testing

@testable import Plant

@Suite("Tags by other names than their topics")
struct TagTemplateTests {
    private func template(_ tag: String, _ topic: String) throws -> TagTemplate {
        try TagTemplate(tag, topic: try TopicTemplate(topic))
    }

    @Test(
        "A topic gives the tags' name, and that gives the topic",
        arguments: [
            ("shelly/{id}", "{id}/events/rpc", "plug-7/events/rpc", "shelly/plug-7"),
            ("{b}/{a}", "x/{a}/{b}", "x/1/2", "2/1"),
            ("house/{name}", "z/{name...}/get", "z/k/lamp/get", "house/k/lamp"),
            ("fixed", "a/b", "a/b", "fixed"),
        ])
    func bothWays(tag: String, topic: String, name: String, path: String) throws {
        let template = try template(tag, topic)
        let captures = try #require(try TopicTemplate(topic).match(name))
        #expect(try template.path(captures).text == path)
        #expect(template.topic(of: path) == name)
        #expect(template.topic(of: "something/else/altogether/and/more") == nil || tag.contains("{name}"))
    }

    @Test("Two topics must not have the same tags, and each level needs a name")
    func mistakes() {
        #expect(throws: TagTemplate.Mistake.missingName("b")) { try template("{a}", "{a}/{b}") }
        #expect(throws: TagTemplate.Mistake.unknownName("c")) { try template("{a}/{c}", "{a}/x") }
        #expect(throws: TagTemplate.Mistake.namelessLevel) { try template("{a}", "{a}/+") }
        #expect(throws: TagTemplate.Mistake.namelessLevel) { try template("{a}", "{a}/#") }
        #expect(throws: TagTemplate.Mistake.namelessLevel) { try template("{a}/+", "{a}/x") }
        #expect(throws: TagTemplate.Mistake.template(.partOfLevel("x-{a}"))) { try template("x-{a}", "{a}/x") }
    }
}
