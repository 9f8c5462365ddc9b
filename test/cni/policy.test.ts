/** The node's policy: what a file says, and what it allows. */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type Asked, objections } from "../../src/cni/policy/judge.ts"
import { decodePolicy, type Policy } from "../../src/cni/policy/Policy.ts"
import { matches } from "../../src/cni/policy/pattern.ts"

const problem = (text: string): string => {
  const decoded = decodePolicy(text)
  return Result.isFailure(decoded) ? decoded.failure : assert.fail("it was taken")
}

const policyOf = (...rules: ReadonlyArray<object>): Policy =>
  Result.getOrThrow(decodePolicy(JSON.stringify({ version: 1, rules })))

const plain: Asked = {
  kind: "macvtap",
  mode: "bridge",
  master: { name: "eth0", isOthersEnd: false },
  promiscMode: false
}

describe("a policy that is wrong", () => {
  const rule = (keys: string) => `{"version":1,"rules":[{${keys}}]}`
  const cases: ReadonlyArray<readonly [text: string, words: string]> = [
    ["", "is empty"],
    ["{", "is not JSON"],
    ["[]", "is wrong: expected an object"],
    ["null", "is wrong: expected an object"],
    ["{}", "is wrong: version: missing"],
    ['{"version":2,"rules":[]}', "is wrong: version: expected 1"],
    ['{"version":1}', "is wrong: rules: missing"],
    ['{"version":1,"rules":[],"rule":[]}', 'is wrong: unknown key "rule"; keys are version, rules'],
    ['{"version":1,"rules":[null]}', "is wrong: rules[0]: expected an object"],
    [rule(""), 'is wrong: rules[0]: it names neither "masters" nor "deviceID", and so allows nothing'],
    [rule('"master":["eth0"]'), 'is wrong: rules[0]: unknown key "master"; keys are name, namespaces, masters, '],
    [rule('"masters":"eth0"'), 'is wrong: rules[0].masters: expected an array, got "eth0"'],
    [rule('"masters":[""]'), "is wrong: rules[0].masters[0]: missing"],
    [
      rule('"masters":["*"],"modes":["brigde"]'),
      "is wrong: rules[0].modes[0]: expected one of bridge, vepa, private, "
    ],
    [rule('"masters":["*"],"kinds":["ipvlan"]'), "is wrong: rules[0].kinds[0]: expected one of macvtap, macvlan"],
    [rule('"masters":["*"],"owner":["107"]'), "is wrong: rules[0].owner[0]: expected an integer"],
    [rule('"masters":["*"],"promiscMode":1'), "is wrong: rules[0].promiscMode: expected true or false, got 1"],
    [`[${"[],".repeat(20_000)}0]`, "has more than 20000 keys and values"],
    ["[".repeat(100), "is nested more than 8 deep"]
  ]
  it.each(cases)("%s", (text, words) => {
    assert.include(problem(text), words)
  })
})

describe("a pattern", () => {
  it.each([
    ["eth0", "eth0", true],
    ["eth0", "eth01", false],
    ["eth*", "eth", true],
    ["*", "", true],
    ["?", "", false],
    ["e?h*", "ech.100", true],
    ["*.1*0", "bond0.1.100", true],
    ["*.1*0", "bond0.101", false],
    ["ETH0", "eth0", false],
    [`${"*a".repeat(30)}b`, "a".repeat(5_000), false]
  ])("%s, of %s: %s", (pattern, text, fits) => {
    assert.strictEqual(matches(pattern, text), fits)
  })
})

describe("what a rule says", () => {
  const cases: ReadonlyArray<readonly [rule: object, asked: Partial<Asked>, objection: string | undefined]> = [
    [{ masters: ["eth*"] }, {}, undefined],
    [{ masters: ["bond0", "vlan*"] }, {}, 'rule 1 allows the masters "bond0", "vlan*", not "eth0"'],
    [
      { name: "lab", masters: ["eth0"] },
      { mode: "passthru" },
      'rule "lab" allows the modes "bridge", "private", "vepa", not "passthru"'
    ],
    [{ masters: ["eth0"], modes: ["passthru"] }, { mode: "passthru" }, undefined],
    [{ masters: ["eth0"], kinds: ["macvlan"] }, {}, 'rule 1 allows the kinds "macvlan", not "macvtap"'],
    [{ masters: ["eth0"] }, { promiscMode: true }, "rule 1 allows no promiscMode"],
    [{ masters: ["eth0"], promiscMode: true }, { promiscMode: true }, undefined],
    [{ masters: ["eth0"] }, { owner: 0 }, "rule 1 allows as owner nothing, not 0"],
    [
      { masters: ["eth0"], owner: [107], group: [36, 107] },
      { owner: 107, group: 0 },
      "rule 1 allows as group 36, 107, not 0"
    ],
    [{ deviceID: ["dataplaneMvp*"] }, {}, 'rule 1 allows the masters nothing, not "eth0"']
  ]
  it.each(cases)("%j of %j", (rule, asked, objection) => {
    assert.deepStrictEqual(
      objections(policyOf(rule), { ...plain, ...asked }),
      objection === undefined ? [] : [objection]
    )
  })

  const { master: _, ...device } = { ...plain, deviceID: "dataplaneMvp3" }
  it.each([
    [{ deviceID: ["dataplaneMvp*"] }, []],
    [{ masters: ["*"] }, ['rule 1 allows as deviceID nothing, not "dataplaneMvp3"']]
  ])("%j of a device", (rule, expected) => {
    assert.deepStrictEqual(objections(policyOf(rule), device), expected)
  })

  it("of an end whose other end is elsewhere has to be its name", () => {
    const asked = { ...plain, master: { name: "veth7", isOthersEnd: true } }
    assert.deepStrictEqual(objections(policyOf({ masters: ["veth7"] }), asked), [])
    assert.deepStrictEqual(objections(policyOf({ masters: ["*", "veth?"] }), asked), [
      'rule 1 allows "veth7" by a pattern only, but its other end is in another network namespace: such a link has to be named'
    ])
  })
})

describe("whom a rule is for", () => {
  const policy = policyOf(
    { name: "all", masters: ["vlan1"] },
    { name: "storage", namespaces: ["ceph", "storage-*"], masters: ["eth0"] }
  )
  const of = (namespace: string | undefined) => objections(policy, { ...plain, ...(namespace && { namespace }) })

  it("is decided by the namespace", () => {
    assert.deepStrictEqual(of("ceph"), [])
    assert.deepStrictEqual(of("storage-1"), [])
    assert.deepStrictEqual(of("web"), ['rule "all" allows the masters "vlan1", not "eth0"'])
  })

  it("without one, are those for all", () => {
    assert.deepStrictEqual(of(undefined), of("web"))
    assert.deepStrictEqual(objections(policyOf({ namespaces: ["a"], masters: ["*"] }), plain), [
      "no rule is for a call without K8S_POD_NAMESPACE"
    ])
    assert.deepStrictEqual(objections({ rules: [] }, { ...plain, namespace: "a" }), ['no rule is for namespace "a"'])
  })
})

describe("of any policy", () => {
  const few = <const T extends ReadonlyArray<string>>(...values: T) => Schema.Array(Schema.Literals(values))
  const rule = Schema.Struct({
    namespaces: Schema.optionalKey(few("web", "storage", "st*", "*")),
    masters: few("eth0", "eth1", "eth*", "veth7", "*"),
    modes: few("bridge", "passthru"),
    kinds: few("macvtap", "macvlan"),
    deviceID: few("dev0", "dev*"),
    promiscMode: Schema.Boolean,
    owner: Schema.Array(Schema.Literals([0, 107])),
    group: Schema.Array(Schema.Literals([0, 107]))
  })
  const rules = Schema.Array(rule)
  const request = Schema.Struct({
    namespace: Schema.optionalKey(Schema.Literals(["web", "storage", "other"])),
    kind: Schema.Literals(["macvtap", "macvlan"]),
    mode: Schema.optionalKey(Schema.Literals(["bridge", "passthru"])),
    master: Schema.optionalKey(
      Schema.Struct({ name: Schema.Literals(["eth0", "eth1", "veth7"]), isOthersEnd: Schema.Boolean })
    ),
    deviceID: Schema.optionalKey(Schema.Literals(["dev0", "mine"])),
    promiscMode: Schema.Boolean,
    owner: Schema.optionalKey(Schema.Literals([0, 107])),
    group: Schema.optionalKey(Schema.Literals([0, 107]))
  })
  const withNames = (list: typeof rules.Type): Policy => ({
    rules: list.map((each, index) => ({ ...each, called: `rule ${index + 1}` }))
  })
  const allows = (list: typeof rules.Type, asked: Asked) => objections(withNames(list), asked).length === 0
  const many = { arbitrary: { runs: 400 } }

  it.prop(
    "a rule more refuses nothing",
    [rules, rule, request],
    ([list, more, asked]) => {
      if (allows(list, asked)) assert.isTrue(allows([...list, more], asked))
    },
    many
  )

  it.prop(
    "what is allowed without a namespace is allowed in every one",
    [rules, request],
    ([list, asked]) => {
      const { namespace: _, ...nowhere } = asked
      if (allows(list, nowhere)) assert.isTrue(allows(list, asked))
    },
    many
  )

  it.prop(
    "what is allowed is within one rule, and what is refused in none",
    [rules, request],
    ([list, asked]) => {
      const fits = (names: ReadonlyArray<string>, name: string) => names.some((pattern) => matches(pattern, name))
      const within = list.some(
        (each) =>
          (each.namespaces === undefined ||
            (asked.namespace !== undefined && fits(each.namespaces, asked.namespace))) &&
          each.kinds.includes(asked.kind) &&
          (asked.mode === undefined || each.modes.includes(asked.mode)) &&
          (asked.deviceID === undefined || fits(each.deviceID, asked.deviceID)) &&
          (!asked.promiscMode || each.promiscMode) &&
          (asked.owner === undefined || each.owner.includes(asked.owner)) &&
          (asked.group === undefined || each.group.includes(asked.group)) &&
          (asked.master === undefined ||
            (asked.master.isOthersEnd
              ? (each.masters as ReadonlyArray<string>).includes(asked.master.name)
              : fits(each.masters, asked.master.name)))
      )
      assert.strictEqual(allows(list, asked), within)
    },
    many
  )
})
