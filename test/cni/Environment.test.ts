/** Which variable which command needs, in which order it is judged, and the words for it: the Go library's skel.go. */
import { assert, describe, it } from "@effect/vitest"
import { readEnvironment } from "../../src/cni/call/Environment.ts"
import { error, value } from "./outcome.ts"

const complete = {
  CNI_CONTAINERID: "c1",
  CNI_NETNS: "/run/netns/c1",
  CNI_IFNAME: "net1",
  CNI_ARGS: "",
  CNI_PATH: "/opt/cni/bin"
}

const missing = (list: string) => ({ code: 4, msg: `required env variables [${list}] missing` })

describe("required variables", () => {
  const cases: ReadonlyArray<readonly [command: string, list: string]> = [
    ["ADD", "CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH"],
    ["CHECK", "CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH"],
    ["DEL", "CNI_CONTAINERID,CNI_IFNAME,CNI_PATH"],
    ["GC", "CNI_PATH"],
    ["STATUS", "CNI_PATH"]
  ]
  for (const [command, list] of cases) {
    it(`${command} without any names ${list}`, () => {
      assert.deepStrictEqual(error(readEnvironment({ CNI_COMMAND: command })), missing(list))
    })
    for (const name of list.split(",")) {
      it(`${command} with an empty ${name}`, () => {
        assert.deepStrictEqual(error(readEnvironment({ CNI_COMMAND: command, ...complete, [name]: "" })), missing(name))
      })
    }
    it(`${command} with all`, () => {
      assert.strictEqual(error(readEnvironment({ CNI_COMMAND: command, ...complete })), undefined)
    })
  }

  for (const command of ["VERSION", "NOPE", "add", "Add ", "__proto__", "toString"]) {
    it(`${command} needs none, and looks at none`, () => {
      const env = value(readEnvironment({ CNI_COMMAND: command, CNI_CONTAINERID: "%", CNI_IFNAME: "a b" }))
      assert.deepStrictEqual(env?.command, command === "VERSION" ? "VERSION" : { unknown: command })
    })
  }

  for (const env of [{}, { CNI_COMMAND: "" }, { ...complete, CNI_CONTAINERID: "%" }]) {
    it(`without a command a person is told what this is: ${JSON.stringify(env)}`, () => {
      assert.strictEqual(value(readEnvironment(env)), undefined)
    })
  }
})

describe("values", () => {
  const badID = (details: string) => ({ code: 4, msg: "invalid characters in containerID", details })
  const tooLong = {
    code: 4,
    msg: "interface name is too long",
    details: "interface name should be less than 16 characters"
  }
  const dots = { code: 4, msg: "interface name is . or .." }
  const characters = { code: 4, msg: "interface name contains / or : or whitespace characters" }

  for (const command of ["ADD", "CHECK", "DEL"]) {
    for (const id of ["%", "-a", ".a", "_a", "a/b", "a b", "ä", "a\n", "aé"]) {
      it(`${command}: container ID ${JSON.stringify(id)}`, () => {
        assert.deepStrictEqual(
          error(readEnvironment({ CNI_COMMAND: command, ...complete, CNI_CONTAINERID: id })),
          badID(id)
        )
      })
    }
  }

  for (const id of ["a", "0", "A.b_c-d", "a".repeat(4096)]) {
    it(`container ID ${id.slice(0, 20)} is fine`, () => {
      assert.strictEqual(error(readEnvironment({ CNI_COMMAND: "ADD", ...complete, CNI_CONTAINERID: id })), undefined)
    })
  }

  const names: ReadonlyArray<readonly [name: string, problem: object | undefined]> = [
    ["a".repeat(15), undefined],
    ["a".repeat(16), tooLong],
    ["ä".repeat(7), undefined],
    ["ä".repeat(8), tooLong],
    [`${"/".repeat(16)}`, tooLong],
    [".", dots],
    ["..", dots],
    ["...", undefined],
    ["a/b", characters],
    ["a:b", characters],
    ["%d", undefined],
    ["a\ufeffb", undefined],
    ["a\u200bb", undefined],
    ...[..."\t\n\v\f\r \u0085\u00a0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000"].map(
      (space) => [`a${space}b`, characters] as const
    )
  ]
  for (const [name, problem] of names) {
    it(`ifname ${JSON.stringify(name)}: ${problem === undefined ? "fine" : "refused"}`, () => {
      assert.deepStrictEqual(error(readEnvironment({ CNI_COMMAND: "ADD", ...complete, CNI_IFNAME: name })), problem)
    })
  }

  it("a bad container ID comes before a missing variable", () => {
    assert.deepStrictEqual(error(readEnvironment({ CNI_COMMAND: "ADD", CNI_CONTAINERID: "%" })), badID("%"))
  })
  it("a bad ifname comes before a missing container ID and namespace", () => {
    assert.deepStrictEqual(error(readEnvironment({ CNI_COMMAND: "ADD", CNI_IFNAME: ".." })), dots)
  })
  it("a bad container ID comes before a bad ifname", () => {
    const env = { CNI_COMMAND: "ADD", CNI_CONTAINERID: "%", CNI_IFNAME: ".." }
    assert.deepStrictEqual(error(readEnvironment(env)), badID("%"))
  })
  for (const command of ["GC", "STATUS"]) {
    it(`${command} looks at no container ID and no ifname`, () => {
      const env = { CNI_COMMAND: command, ...complete, CNI_CONTAINERID: "%", CNI_IFNAME: ".." }
      assert.strictEqual(error(readEnvironment(env)), undefined)
    })
  }
})

describe("what is read", () => {
  it("all of it", () => {
    assert.deepStrictEqual(value(readEnvironment({ CNI_COMMAND: "ADD", ...complete, CNI_ARGS: "A=b", OTHER: "x" })), {
      command: "ADD",
      attachment: { containerID: "c1", netns: "/run/netns/c1", ifname: "net1" },
      args: "A=b",
      path: ["/opt/cni/bin"],
      netnsOverride: false
    })
  })

  const paths: ReadonlyArray<readonly [text: string, folders: ReadonlyArray<string>]> = [
    ["/a:/b", ["/a", "/b"]],
    [":/a::/b:", ["/a", "/b"]],
    ["/with space", ["/with space"]]
  ]
  for (const [text, folders] of paths) {
    it(`CNI_PATH ${text}`, () => {
      assert.deepStrictEqual(value(readEnvironment({ CNI_COMMAND: "GC", CNI_PATH: text }))?.path, folders)
    })
  }

  const overrides: ReadonlyArray<readonly [text: string | undefined, override: boolean]> = [
    ["1", true],
    ["true", true],
    ["TRUE", true],
    ["True", true],
    ["0", false],
    ["yes", false],
    ["", false],
    [undefined, false]
  ]
  for (const [text, override] of overrides) {
    it(`CNI_NETNS_OVERRIDE ${text}`, () => {
      const env = value(readEnvironment({ CNI_COMMAND: "ADD", ...complete, CNI_NETNS_OVERRIDE: text }))
      assert.strictEqual(env?.netnsOverride, override)
    })
  }
})
