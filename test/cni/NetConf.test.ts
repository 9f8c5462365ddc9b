/** What every command reads: the kind, IPAM, the log, the attachments of GC. */
import { assert, describe, it } from "@effect/vitest"
import type { Command } from "../../src/cni/call/Environment.ts"
import { readNetConf } from "../../src/cni/config/NetConf.ts"
import { kinds } from "../../src/link/kinds.ts"
import { error, value } from "./outcome.ts"

const read = (config: object, command: Command = "ADD", program = "macvtap") =>
  readNetConf(program, command, JSON.stringify({ cniVersion: "1.1.0", name: "n", ...config }))

const invalid = (words: string) => ({ code: 7, msg: `invalid configuration: ${words}` })

describe("the kind", () => {
  const cases: ReadonlyArray<readonly [type: unknown, program: string, kind: string]> = [
    ["macvtap", "macvtap", "macvtap"],
    ["macvlan", "macvtap", "macvlan"],
    ["macvtap", "macvlan", "macvtap"],
    ["other", "macvlan", "macvlan"],
    ["macvtap-cni", "macvtap-cni", "macvtap"],
    ["macvtap-cni", "macvtap", "macvtap"],
    ["macvtap-cni", "main.ts", "macvtap"],
    ["my-macvtap", "my-macvtap", "macvtap"],
    ["macvlan", "my-macvtap", "macvlan"],
    [undefined, "macvlan", "macvlan"],
    ["", "main.ts", "macvtap"],
    [null, "main.ts", "macvtap"]
  ]
  for (const [type, program, kind] of cases) {
    it(`of type ${JSON.stringify(type)} in a program called ${program} is ${kind}`, () => {
      assert.strictEqual(value(read({ type }, "ADD", program)).kind.kind, kind)
    })
  }

  const kindNames = kinds.map(({ kind }) => kind).join(", ")
  const unknown: ReadonlyArray<readonly [type: string, program: string]> = [
    ["maclvan", "macvtap-cni"],
    ["foo", "main.ts"],
    ["MACVTAP", "my-macvtap"],
    ["toString", "node"],
    ["my-macvtap", "other"],
    ["macvtap ", ""]
  ]
  for (const [type, program] of unknown) {
    it(`of type ${JSON.stringify(type)} in a program called "${program}" is none; for DEL it is macvtap`, () => {
      const expected = invalid(`type: expected one of ${kindNames}, got ${JSON.stringify(type)}`)
      for (const command of ["ADD", "CHECK", "GC", "STATUS"] as const) {
        assert.deepStrictEqual(error(read({ type }, command, program)), expected)
      }
      assert.strictEqual(value(read({ type }, "DEL", program)).kind.kind, "macvtap")
    })
  }

  it("wants a string", () => {
    assert.deepStrictEqual(error(read({ type: 5 })), invalid("type: expected a string, got 5"))
  })
})

describe("IPAM", () => {
  const good: ReadonlyArray<readonly [ipam: unknown, type: string | undefined]> = [
    [{ type: "host-local" }, "host-local"],
    [{ TYPE: "host-local" }, "host-local"],
    [{ type: "host-local", subnet: 5 }, "host-local"],
    [{ type: "" }, undefined],
    [{ type: null }, undefined],
    [{}, undefined],
    [null, undefined],
    [undefined, undefined]
  ]
  for (const [ipam, type] of good) {
    it(`${JSON.stringify(ipam)} is ${type ?? "none"}`, () => {
      assert.strictEqual(value(read({ ipam })).ipam?.type, type)
    })
  }

  const bad: ReadonlyArray<readonly [ipam: unknown, words: string]> = [
    ["host-local", 'ipam: expected an object, got "host-local"'],
    [["host-local"], 'ipam: expected an object, got ["host-local"]'],
    [{ type: 5 }, "ipam.type: expected a string, got 5"],
    [{ type: { a: 1 } }, "ipam.type: expected a string, got an object"],
    [{ type: "a/b" }, 'ipam.type: invalid plugin name: "a/b" must be the name of a file in CNI_PATH'],
    [{ type: "macvtap" }, 'ipam.type: "macvtap" is this plugin itself; expected an IPAM plugin such as "host-local"'],
    [{ type: "macvlan" }, 'ipam.type: "macvlan" is this plugin itself; expected an IPAM plugin such as "host-local"'],
    [{ type: "prog" }, 'ipam.type: "prog" is this plugin itself; expected an IPAM plugin such as "host-local"']
  ]
  for (const [ipam, words] of bad) {
    it(`${JSON.stringify(ipam)}: ${words}; for DEL it is none`, () => {
      for (const command of ["ADD", "CHECK", "GC", "STATUS"] as const) {
        assert.deepStrictEqual(error(read({ ipam }, command, "prog")), invalid(words))
      }
      assert.strictEqual(value(read({ ipam }, "DEL", "prog")).ipam, undefined)
    })
  }
})

describe("the log", () => {
  const levels: ReadonlyArray<readonly [text: string, level: string]> = [
    ["debug", "debug"],
    ["Debug", "debug"],
    ["verbose", "info"],
    ["info", "info"],
    ["warn", "warning"],
    ["warning", "warning"],
    ["error", "error"],
    ["panic", "error"]
  ]
  for (const [text, level] of levels) {
    it(`${text} is ${level}`, () => {
      assert.strictEqual(value(read({ logLevel: text })).logLevel, level)
    })
  }

  const bad: ReadonlyArray<readonly [config: object, words: string]> = [
    [{ logLevel: "loud" }, 'logLevel: expected one of debug, info, warning, error, got "loud"'],
    [{ logLevel: "toString" }, 'logLevel: expected one of debug, info, warning, error, got "toString"'],
    [{ logLevel: 5 }, "logLevel: expected a string, got 5"],
    [{ logFile: "a.log" }, 'logFile: expected an absolute path, got "a.log"'],
    [{ logFile: true }, "logFile: expected a string, got true"]
  ]
  for (const [config, words] of bad) {
    it(`${words}; for DEL there is none`, () => {
      assert.deepStrictEqual(error(read(config)), invalid(words))
      const { logFile, logLevel } = value(read(config, "DEL"))
      assert.deepStrictEqual([logFile, logLevel], [undefined, undefined])
    })
  }
})

describe("the attachments of GC", () => {
  const a = { containerID: "a", ifname: "net1" }
  const b = { containerID: "b", ifname: "net1" }
  const good: ReadonlyArray<readonly [config: object, list: ReadonlyArray<object>]> = [
    [{ "cni.dev/valid-attachments": [a, b] }, [a, b]],
    [{ "cni.dev/attachments": [a] }, [a]],
    [{ "cni.dev/valid-attachments": [b], "cni.dev/attachments": [a] }, [b]],
    [{ "cni.dev/valid-attachments": null, "cni.dev/attachments": [a] }, [a]],
    [{ "cni.dev/valid-attachments": [], "cni.dev/attachments": [a] }, []],
    [{ "CNI.dev/Valid-Attachments": [{ ContainerID: "a", IFNAME: "net1", more: 5 }] }, [a]],
    [{}, []]
  ]
  for (const [config, list] of good) {
    it(JSON.stringify(config), () => {
      assert.deepStrictEqual(value(read(config, "GC")).validAttachments, list)
    })
  }

  const key = "cni.dev/valid-attachments"
  const bad: ReadonlyArray<readonly [list: unknown, words: string]> = [
    ["x", `${key}: expected an array, got "x"`],
    [{}, `${key}: expected an array, got an object`],
    [[5], `${key}[0]: expected an object, got 5`],
    [[a, "b"], `${key}[1]: expected an object, got "b"`],
    [[null], `${key}[0].containerID: missing`],
    [[{ ifname: "net1" }], `${key}[0].containerID: missing`],
    [[{ containerID: "a" }], `${key}[0].ifname: missing`],
    [[{ containerID: "a", ifname: "" }], `${key}[0].ifname: missing`],
    [[{ containerID: 5, ifname: "net1" }], `${key}[0].containerID: expected a string, got 5`]
  ]
  for (const [list, words] of bad) {
    it(`${words}: an error, never an empty list`, () => {
      assert.deepStrictEqual(error(read({ [key]: list }, "GC")), invalid(words))
    })
    it(`${words}: no matter for other commands`, () => {
      assert.deepStrictEqual(value(read({ [key]: list }, "DEL")).validAttachments, [])
    })
  }
})

describe("the document", () => {
  it("goes to delegates as it came", () => {
    const stdin = ' {"name" : "n","NAME":"m", "x": 1.50}\n'
    assert.strictEqual(value(readNetConf("macvtap", "ADD", stdin)).stdin, stdin)
  })

  const keys: ReadonlyArray<readonly [text: string, name: string]> = [
    ['{"name": "a", "NAME": "b"}', "b"],
    ['{"NAME": "b", "name": "a"}', "a"],
    ['{"name": "a", "NAME": null}', "a"],
    ['{"name": "a", "name": "b"}', "b"],
    ['{"__proto__": {"name": "x"}, "name": "a"}', "a"],
    ['{"naMe": "a", "constructor": 5}', "a"]
  ]
  for (const [text, name] of keys) {
    it(`${text} is called ${name}`, () => {
      assert.strictEqual(value(readNetConf("macvtap", "ADD", text)).name, name)
    })
  }
  it("has keys that equal by Unicode's folding, as Go has it", () => {
    const config = { name: "n", ipam: { type: "x" }, logLevel: "debug", logFile: "/a" }
    const text = JSON.stringify(config).replace("ipam", "İpam")
    assert.strictEqual(value(readNetConf("macvtap", "ADD", text)).ipam, undefined)
    assert.strictEqual(
      value(readNetConf("macvtap", "STATUS", '{"name": "n", "cniVerſion": "1.1.0"}')).cniVersion,
      "1.1.0"
    )
  })
})
