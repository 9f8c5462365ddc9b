/** Whatever comes in: one well-formed error object, or a valid result, or silence; and of a failed ADD nothing is left. */

import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type { Kernel } from "../../src/mock/Kernel.ts"
import { mockLayer } from "../../src/mock/layer.ts"
import { DelegateService, DelegateTimeout, DelegateUnusable } from "../../src/services/DelegateService.ts"
import { assertSame } from "../lab/call/assertSame.ts"
import { type Answer, callOn, type Invocation } from "../lab/call/onMock.ts"
import { foreignTap, invocation, makeNode } from "../lab/call/plain.ts"
import { assertError, assertResult } from "../lab/call/wellFormed.ts"

const commands = ["ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION", "NOPE", ""] as const

/** Keys that are read somewhere, so that random objects mean something. */
const keys = [
  "cniVersion",
  "name",
  "NAME",
  "type",
  "master",
  "mode",
  "sourceMACs",
  "mtu",
  "deviceID",
  "mac",
  "promiscMode",
  "allmulti",
  "owner",
  "group",
  "bcqueuelen",
  "linkInContainer",
  "ipam",
  "dns",
  "capabilities",
  "runtimeConfig",
  "args",
  "prevResult",
  "logFile",
  "logLevel",
  "cni.dev/valid-attachments",
  "cni.dev/attachments",
  "cni",
  "interfaces",
  "ips",
  "routes",
  "address",
  "gateway",
  "interface",
  "sandbox",
  "dst",
  "gw",
  "table",
  "ip4",
  "ip6",
  "ip",
  "nameservers",
  "containerID",
  "ifname",
  "__proto__",
  "constructor",
  "toString",
  "code",
  "msg",
  "details",
  "ſandbox"
] as const

/** Values that mean something in one place or another. */
const texts = [
  "",
  "1.1.0",
  "1.0.0",
  "0.4.0",
  "0.2.0",
  "9.9.9",
  "lan",
  "macvtap",
  "macvlan",
  "eth0",
  "bridge",
  "passthru",
  "source",
  "02:00:00:00:00:01",
  "01:00:00:00:00:01",
  "ipam",
  "host-local",
  "10.1.0.5/24",
  "10.1.0.1",
  "::/0",
  "fd00::5/64",
  "0.0.0.0/0",
  "/run/netns/c1",
  "net1",
  "c1",
  "a/b",
  "\u0000",
  "\ud800",
  "\u2028",
  "dev0",
  "debug",
  "true",
  '"',
  "💥".repeat(9)
] as const

const numbers = [0, 1, -1, 1500, 1400, 65536, 4294967295, 4294967296, 1.5, 1e308, -0, 254, 107] as const

const leaf = Schema.Union([Schema.Literals(texts), Schema.Literals(numbers), Schema.Boolean, Schema.Null])
const objectOf = (pairs: ReadonlyArray<readonly [string, unknown]>): object => {
  const object: Record<string, unknown> = Object.create(null)
  for (const [key, value] of pairs) object[key] = value
  return object
}

type Json = Arbitrary.Arbitrary<unknown>
const below = (inner: Json): Json =>
  Arbitrary.all([
    Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 }))),
    Arbitrary.schema(leaf),
    Arbitrary.array(inner, { maxLength: 3 }),
    pairs(inner)
  ]).pipe(Arbitrary.map(([which, value, list, object]) => [value, list, objectOf(object)][which]))
const pairs = (inner: Json): Arbitrary.Arbitrary<Array<readonly [string, unknown]>> =>
  Arbitrary.array(Arbitrary.all([Arbitrary.schema(Schema.Literals(keys)), inner]), { maxLength: 6 })

const value = below(below(below(Arbitrary.schema(leaf))))

/** A configuration that an ADD takes, with some of its keys replaced by anything. */
const configurations = pairs(value).pipe(
  Arbitrary.map((replaced) => ({
    cniVersion: "1.1.0",
    name: "lan",
    type: "macvtap",
    master: "eth0",
    ...objectOf(replaced)
  }))
)

const stdins = Arbitrary.all([
  Arbitrary.schema(Schema.Literals(["configuration", "json", "text", "cut", "twice"])),
  configurations,
  value,
  Arbitrary.schema(Schema.String)
]).pipe(
  Arbitrary.map(([which, configuration, json, text]) => {
    const whole = JSON.stringify(configuration)
    switch (which) {
      case "configuration":
        return whole
      case "json":
        return JSON.stringify(json)
      case "text":
        return text
      case "cut":
        return whole.slice(0, text.length * 7)
      case "twice":
        return whole + whole
    }
  })
)

const variable = Schema.Union([
  Schema.Undefined,
  Schema.String,
  Schema.Literals([
    "c1",
    "net1",
    "/run/netns/c1",
    "/opt/cni/bin",
    "",
    "%",
    "MAC=02:00:00:00:00:01",
    "IgnoreUnknown=1;A=",
    "A=b;",
    ";;",
    "=",
    "/proc/self/ns/net",
    "net%d"
  ])
])

const environments = Arbitrary.schema(
  Schema.Struct({
    CNI_COMMAND: Schema.Literals(commands),
    CNI_CONTAINERID: variable,
    CNI_NETNS: variable,
    CNI_IFNAME: variable,
    CNI_ARGS: variable,
    CNI_PATH: variable,
    CNI_NETNS_OVERRIDE: variable,
    sane: Schema.Boolean
  })
).pipe(
  Arbitrary.map(({ sane, ...env }) => (sane ? { ...invocation(env.CNI_COMMAND).env, CNI_ARGS: env.CNI_ARGS } : env))
)

/** One document or none, and what it has to be. */
const assertAnswer = ({ status, written, stdout }: Answer, command: string, cniVersion?: string): void => {
  assert.isAtMost(written.length, 1)
  if (status !== 0) {
    assert.strictEqual(written.length, 1)
    assertError(stdout)
  } else if (command === "ADD") assertResult(stdout, cniVersion ?? JSON.parse(stdout).cniVersion)
  else if (command !== "VERSION") assert.strictEqual(stdout, "")
}

const scene = (): Kernel => {
  const kernel = makeNode()
  foreignTap(kernel, "c1", "theirs")
  return kernel
}

const assertWhole = Effect.fnUntraced(function* (call: Invocation) {
  const kernel = scene()
  const before = kernel.snapshot()
  const answer = yield* callOn(kernel, call)
  const command = call.env["CNI_COMMAND"] ?? ""
  assertAnswer(answer, command)
  if (command !== "ADD" || answer.status !== 0) assertSame(kernel.snapshot(), before)
  assert.deepStrictEqual(kernel.snapshot().openHandles, { namespaces: 0, sockets: 0 })
})

describe("any input", () => {
  it.effect.prop("has one answer", [environments, stdins], ([env, stdin]) => assertWhole({ env, stdin }), {
    arbitrary: { runs: 500, size: 40 }
  })

  it.effect.prop(
    "that is nearly a configuration has one answer, from every command",
    [configurations],
    ([stdin]) =>
      Effect.forEach(commands, (command) => assertWhole({ ...invocation(command), stdin }), { discard: true }),
    { arbitrary: { runs: 120 } }
  )
})

describe("a huge or deep configuration has one answer:", () => {
  const deep = (open: string, close: string) => `{"name":"lan","x":${open.repeat(200_000)}1${close.repeat(200_000)}}`
  const rows: ReadonlyArray<readonly [string, string]> = [
    ["arrays in arrays", deep("[", "]")],
    ["objects in objects", deep('{"a":', "}")],
    ["arrays without an end", "[".repeat(300_000)],
    ["a long name", JSON.stringify({ cniVersion: "1.1.0", name: "n".repeat(2_000_000) })],
    ["a long bad name", JSON.stringify({ cniVersion: "1.1.0", name: "%".repeat(2_000_000) })],
    ["a long master", JSON.stringify({ cniVersion: "1.1.0", name: "lan", master: "m".repeat(2_000_000) })],
    ["a long mode", JSON.stringify({ cniVersion: "1.1.0", name: "lan", mode: "m".repeat(2_000_000) })],
    ["a long version", JSON.stringify({ cniVersion: "1".repeat(2_000_000), name: "lan" })],
    ["a long device", JSON.stringify({ cniVersion: "1.1.0", name: "lan", deviceID: "d".repeat(2_000_000) })],
    [
      "many MACs",
      JSON.stringify({
        cniVersion: "1.1.0",
        name: "lan",
        mode: "source",
        sourceMACs: Array(99_999).fill("02:00:00:00:00:01")
      })
    ],
    ["20 MB of spaces", " ".repeat(20_000_000)],
    ["NULs", "\0".repeat(1000)],
    ["a byte order mark", `\ufeff${JSON.stringify({ cniVersion: "1.1.0", name: "lan" })}`]
  ]

  for (const [what, stdin] of rows) {
    it.effect(what, () =>
      Effect.gen(function* () {
        for (const command of ["ADD", "DEL", "CHECK", "GC", "STATUS"]) {
          const answer = yield* callOn(scene(), { ...invocation(command), stdin })
          assertAnswer(answer, command)
          assert.isBelow(answer.stdout.length, 10_000)
        }
      })
    )
  }
})

describe("a long environment has one answer:", () => {
  for (const name of ["CNI_COMMAND", "CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_ARGS", "CNI_PATH"]) {
    it.effect(name, () =>
      Effect.gen(function* () {
        for (const value of [
          "x".repeat(100_000),
          "x=".repeat(50_000),
          "x=y;".repeat(30_000),
          "/".repeat(100_000),
          "\n\u001b[31m",
          "💥"
        ]) {
          const call = invocation("ADD", { env: { [name]: value } })
          const answer = yield* callOn(scene(), call)
          assertAnswer(answer, call.env["CNI_COMMAND"] ?? "")
          if (answer.status === 1 && name !== "CNI_NETNS") assert.isBelow(answer.stdout.length, 10_000)
        }
      })
    )
  }
})

describe("any answer of an IPAM plugin", () => {
  const answers = Arbitrary.all([
    Arbitrary.schema(Schema.Literals(["result", "json", "text"])),
    Arbitrary.schema(Schema.Literals([0, 1, 255])),
    pairs(value),
    value,
    Arbitrary.schema(Schema.String)
  ]).pipe(
    Arbitrary.map(([which, status, replaced, json, text]) => {
      const result = { cniVersion: "1.1.0", ips: [{ address: "10.1.0.5/24" }], ...objectOf(replaced) }
      return {
        status,
        stdout: which === "text" ? text : JSON.stringify(which === "json" ? json : result),
        stderr: text
      }
    })
  )

  it.effect.prop(
    "has one answer, and leaves nothing where it is no good",
    [answers],
    ([said]) =>
      Effect.gen(function* () {
        for (const command of ["ADD", "DEL", "CHECK", "GC", "STATUS"]) {
          const kernel = scene()
          kernel.plugins.set("ipam", () => said)
          const before = kernel.snapshot()
          const answer = yield* callOn(kernel, invocation(command, { conf: { ipam: { type: "ipam" } } }))
          assertAnswer(answer, command, "1.1.0")
          if (answer.status !== 0 || command !== "ADD") assertSame(kernel.snapshot(), before)
        }
      }),
    { arbitrary: { runs: 200 } }
  )

  const delegate = (run: DelegateService["Service"]["run"]) => (kernel: Kernel) =>
    Layer.merge(mockLayer(kernel), Layer.succeed(DelegateService, { run }))

  it.effect("that does not come is one to wait for 30 seconds, and for a release 10 more", () =>
    Effect.gen(function* () {
      const limits: Array<number> = []
      const machine = delegate(({ type, timeout }) => {
        limits.push(timeout)
        return Effect.fail(new DelegateTimeout({ type, timeout }))
      })
      const kernel = scene()
      const before = kernel.snapshot()
      const call = invocation("ADD", { conf: { ipam: { type: "ipam" } } })
      const answer = yield* callOn(kernel, call, { machine: machine(kernel) })
      const { code, msg } = assertError(answer.stdout)
      assert.strictEqual(code, 11)
      assert.strictEqual(msg, 'IPAM plugin "ipam" did not answer within 30 s and was stopped')
      assert.deepStrictEqual(limits, [30_000, 10_000])
      assertSame(kernel.snapshot(), before)
    })
  )

  it.effect("of a program that cannot be run says which and why", () =>
    Effect.gen(function* () {
      const kernel = scene()
      const machine = delegate(({ type }) =>
        Effect.fail(new DelegateUnusable({ type, file: "/opt/cni/bin/ipam", errno: "ENOEXEC" }))
      )
      const call = invocation("ADD", { conf: { ipam: { type: "ipam" } } })
      const answer = yield* callOn(kernel, call, { machine: machine(kernel) })
      assert.match(assertError(answer.stdout).msg, /"ipam" \(\/opt\/cni\/bin\/ipam\) cannot be used: ENOEXEC/)
    })
  )
})
