/// The text of definitions is hashed by ``PlantDefinition/digest``, by which gateways of several versions compare what they are
/// configured with. So it has the members of the first version as they were, and later ones only where a command uses them.
extension CommandDefinition: CustomReflectable {
    public var customMirror: Mirror {
        var members: [(label: String?, value: Any)] = [
            ("name", name), ("devices", devices), ("topic", topic), ("parameters", parameters),
            ("execution", execution), ("timeout", timeout), ("answer", answer as Any), ("interlock", interlock as Any),
            ("interlockInputAge", interlockInputAge as Any),
        ]
        if payload != .envelope { members.append(("payload", payload)) }
        if qos != .atLeastOnce { members.append(("qos", qos)) }
        if let verification { members.append(("verification", verification)) }
        return Mirror(self, children: members, displayStyle: .struct)
    }
}

extension CommandParameter: CustomReflectable {
    public var customMirror: Mirror {
        var members: [(label: String?, value: Any)] = [
            ("name", name), ("kind", kind), ("minimum", minimum as Any), ("maximum", maximum as Any),
            ("unit", unit as Any), ("values", values as Any), ("defaultValue", defaultValue as Any),
            ("isRequired", isRequired),
        ]
        if let words { members.append(("words", words)) }
        return Mirror(self, children: members, displayStyle: .struct)
    }
}

extension CommandVerification: CustomReflectable {
    public var customMirror: Mirror {
        let subject: [(label: String?, value: Any)] =
            switch subject {
            case .tag(let tag, let wanted): [("tag", tag), ("wanted", wanted)]
            case .echo: [("subject", subject)]
            }
        return Mirror(
            self, children: subject + [("tolerance", tolerance as Any), ("within", within as Any)],
            displayStyle: .struct)
    }
}

extension CommandAnswerRule: CustomReflectable {
    public var customMirror: Mirror {
        let id: Any =
            switch id {
            case .place(let pointer): pointer
            case .correlation: id
            }
        return Mirror(
            self,
            children: [
                ("topic", topic), ("id", id), ("succeeded", succeeded), ("failed", failed as Any),
                ("message", message as Any),
            ], displayStyle: .struct)
    }
}

extension CommandAnswerRule.Condition: CustomReflectable {
    public var customMirror: Mirror {
        switch wanted {
        case .value(let value):
            Mirror(self, children: [("pointer", pointer as Any), ("value", value)], displayStyle: .struct)
        case .exists(let exists):
            Mirror(self, children: [("pointer", pointer as Any), ("exists", exists)], displayStyle: .struct)
        }
    }
}
