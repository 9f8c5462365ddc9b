/** JSON, network name, command, version: order, codes and texts of the Go library's skel.go. */
import { assert, describe, it } from "@effect/vitest"
import type { Command } from "../../src/cni/call/Environment.ts"
import { supportedVersions } from "../../src/cni/call/version.ts"
import { readNetConf } from "../../src/cni/config/NetConf.ts"
import { error, type Failed, value } from "./outcome.ts"

const read = (command: Command, stdin: string) => readNetConf("macvtap", command, stdin)
const withVersion = (cniVersion: unknown) => JSON.stringify({ name: "n", type: "macvtap", cniVersion })

const garbage = (problem: string, details?: string): Failed => ({
  code: 6,
  msg: `error unmarshall network config: ${problem}`,
  ...(details === undefined ? {} : { details })
})
const nameless: Failed = { code: 7, msg: "missing network name" }
const badName = (details: string): Failed => ({ code: 7, msg: "invalid characters found in network name", details })

describe("the JSON and the network's name", () => {
  const cases: ReadonlyArray<readonly [stdin: string, problem: Failed]> = [
    ["", garbage("unexpected end of JSON input")],
    [" \n", garbage("unexpected end of JSON input")],
    ["{", garbage("unexpected end of JSON input")],
    ["{]", garbage("invalid character ']' looking for beginning of object key string", "line 1, column 2")],
    ['{"name": "n"} x', garbage("invalid character 'x' after top-level value", "line 1, column 15")],
    [
      '{\n  "name": "n",\n}',
      garbage("invalid character '}' looking for beginning of object key string", "line 3, column 1")
    ],
    ["[]", garbage("expected an object, got []")],
    ["5", garbage("expected an object, got 5")],
    ['"x"', garbage('expected an object, got "x"')],
    ["null", nameless],
    ["{}", nameless],
    ['{"name": ""}', nameless],
    ['{"name": null}', nameless],
    ['{"name": 5}', garbage("name: expected a string, got 5")],
    ['{"name": ["n"]}', garbage('name: expected a string, got ["n"]')],
    ['{"name": "%"}', badName("%")],
    ['{"name": "a b"}', badName("a b")],
    ['{"name": "-a"}', badName("-a")],
    ['{"name": "a\\n"}', badName("a\n")],
    ['{"name": "x", "NAME": "%"}', badName("%")],
    ['{"nAmE": "%"}', badName("%")]
  ]
  const commands: ReadonlyArray<Command> = ["ADD", "DEL", "CHECK", "GC", "STATUS", { unknown: "NOPE" }]
  for (const [stdin, problem] of cases) {
    it(`${JSON.stringify(stdin)}: ${problem.msg}, for every command`, () => {
      for (const command of commands) assert.deepStrictEqual(error(read(command, stdin)), problem)
    })
  }

  it("is limited in size", () => {
    const stdin = `{"name": "n", "x": "${"x".repeat(1024 * 1024)}"}`
    assert.deepStrictEqual(error(read("ADD", stdin)), garbage("longer than 1048576 characters"))
    const many = `{"name": "n", "x": [${"[],".repeat(100_000)}0]}`
    assert.deepStrictEqual(error(read("ADD", many)), garbage("has more than 100000 keys and values"))
  })

  it("a bad name comes before an unknown command, that before a bad version", () => {
    assert.deepStrictEqual(error(read({ unknown: "add" }, '{"name": "%"}')), badName("%"))
    assert.deepStrictEqual(error(read({ unknown: "add" }, withVersion("9"))), {
      code: 4,
      msg: "unknown CNI_COMMAND: add"
    })
  })
})

describe("the version", () => {
  const incompatible = (version: string): Failed => ({
    code: 1,
    msg: "incompatible CNI versions",
    details: `config is "${version}", plugin supports ["0.1.0" "0.2.0" "0.3.0" "0.3.1" "0.4.0" "1.0.0" "1.1.0"]`
  })
  const notAllowed = (command: string): Failed => ({ code: 1, msg: `config version does not allow ${command}` })
  const tooNew = (command: string): Failed => ({ code: 1, msg: `plugin version does not allow ${command}` })
  const since: Readonly<Record<string, string>> = {
    ADD: "0.1.0",
    DEL: "0.1.0",
    CHECK: "0.4.0",
    GC: "1.1.0",
    STATUS: "1.1.0"
  }

  for (const [command, first] of Object.entries(since)) {
    for (const version of supportedVersions) {
      const allowed = version >= first
      it(`${command} at ${version}: ${allowed ? "yes" : "no"}`, () => {
        const outcome = read(command as Command, withVersion(version))
        assert.deepStrictEqual(error(outcome), allowed ? undefined : notAllowed(command))
        if (allowed) assert.strictEqual(value(outcome).cniVersion, version)
      })
    }
  }

  for (const absent of ["", null, undefined]) {
    it(`${JSON.stringify(absent)} is 0.1.0`, () => {
      assert.strictEqual(value(read("ADD", withVersion(absent))).cniVersion, "0.1.0")
      assert.deepStrictEqual(error(read("CHECK", withVersion(absent))), notAllowed("CHECK"))
    })
  }

  for (const version of ["9.9.9", "1.1", "1", "1.1.0 ", "v1.1.0", "abc", "1.1.0.0", "01.1.0", "0.0.1"]) {
    it(`ADD and DEL want one exactly: ${version} is none`, () => {
      assert.deepStrictEqual(error(read("ADD", withVersion(version))), incompatible(version))
      assert.deepStrictEqual(error(read("DEL", withVersion(version))), incompatible(version))
    })
  }

  const numeric: ReadonlyArray<readonly [command: string, version: string, problem: Failed]> = [
    ["CHECK", "0.3.9", notAllowed("CHECK")],
    ["CHECK", "0.5.0", incompatible("0.5.0")],
    ["CHECK", "1.1", incompatible("1.1")],
    ["CHECK", "+1.1.0", incompatible("+1.1.0")],
    ["CHECK", "01.01.00", incompatible("01.01.00")],
    ["CHECK", "1.1.1", tooNew("CHECK")],
    ["CHECK", "2", tooNew("CHECK")],
    ["CHECK", "-1.0.0", notAllowed("CHECK")],
    ["GC", "1.0.9", notAllowed("GC")],
    ["GC", "9.9.9", tooNew("GC")],
    ["STATUS", "9.9.9", tooNew("STATUS")],
    ["STATUS", "1.0.99", notAllowed("STATUS")],
    [
      "CHECK",
      "abc",
      { code: 6, msg: 'failed to convert major version part "abc": strconv.Atoi: parsing "abc": invalid syntax' }
    ],
    [
      "GC",
      "1.x.0",
      { code: 6, msg: 'failed to convert minor version part "x": strconv.Atoi: parsing "x": invalid syntax' }
    ],
    [
      "STATUS",
      "1.1.",
      { code: 6, msg: 'failed to convert micro version part "": strconv.Atoi: parsing "": invalid syntax' }
    ],
    ["CHECK", "1.1.0.0", { code: 6, msg: 'invalid version "1.1.0.0": too many parts' }],
    ["CHECK", "9223372036854775807", tooNew("CHECK")],
    [
      "CHECK",
      "9223372036854775808",
      {
        code: 6,
        msg:
          'failed to convert major version part "9223372036854775808": ' +
          'strconv.Atoi: parsing "9223372036854775808": value out of range'
      }
    ]
  ]
  for (const [command, version, problem] of numeric) {
    it(`${command} at ${version}: ${problem.msg}`, () => {
      assert.deepStrictEqual(error(read(command as Command, withVersion(version))), problem)
    })
  }

  for (const command of ["ADD", "DEL", "CHECK", "GC", "STATUS"] as const) {
    it(`${command}: a version that is no string`, () => {
      assert.deepStrictEqual(error(read(command, withVersion(1.1))), {
        code: 6,
        msg: "decoding version from network config: cniVersion: expected a string, got 1.1"
      })
    })
  }
})
