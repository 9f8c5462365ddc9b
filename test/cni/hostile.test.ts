/** Whatever is on stdin and in the environment: a value or one clean error, never an exception, never a hang. */
import { readdirSync, readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { type Env, errorProblem, reads } from "./reads.ts"

const complete: Env = {
  CNI_COMMAND: "ADD",
  CNI_CONTAINERID: "c1",
  CNI_NETNS: "/run/netns/c1",
  CNI_IFNAME: "net1",
  CNI_PATH: "/opt/cni/bin"
}

const assertClean = (env: Env, stdin: string): void => {
  for (const read of reads(env, stdin)) assert.strictEqual(errorProblem(read), undefined)
}

const corpus = new URL("corpus/", import.meta.url)

describe("the corpus", () => {
  for (const file of readdirSync(corpus).filter((name) => name.endsWith(".txt"))) {
    it(file, () => {
      assertClean(complete, readFileSync(new URL(file, corpus), "utf8"))
    })
  }
})

const nested = (open: string, close: string, depth: number) => `${open.repeat(depth)}1${close.repeat(depth)}`
const conf = (rest: string) => `{"name": "n", "cniVersion": "1.1.0", ${rest}}`
const entries = (entry: string, count: number) => `[${new Array<string>(count).fill(entry).join(",")}]`

describe("large", () => {
  const cases: Readonly<Record<string, () => string>> = {
    "lists 100,000 deep": () => nested("[", "]", 100_000),
    "objects 100,000 deep": () => nested('{"a":', "}", 100_000),
    "an unknown key 100,000 deep": () => conf(`"x": ${nested("[", "]", 100_000)}`),
    "a known key 100,000 deep": () => conf(`"mode": ${nested("[", "]", 100_000)}`),
    "IPAM 100,000 deep": () => conf(`"ipam": ${nested('{"type":', "}", 100_000)}`),
    "prevResult 100,000 deep": () => conf(`"prevResult": ${nested('{"prevResult":', "}", 100_000)}`),
    "100,000 lists left open": () => "[".repeat(100_000),
    "too large by one": () => `${conf('"x": 1')}${" ".repeat(1024 * 1024)}`,
    "a name of a megabyte": () => `{"name": "${"-".repeat(1_000_000)}"}`,
    "a version of a megabyte": () => `{"name": "n", "cniVersion": "${"1".repeat(1_000_000)}"}`,
    "a version of a million parts": () => `{"name": "n", "cniVersion": "${"1.".repeat(1_000_000)}"}`,
    "a number of a megabyte": () => conf(`"mtu": ${"1".repeat(1_000_000)}`),
    "100,000 keys": () => `{${Array.from({ length: 100_000 }, (_, index) => `"k${index}": 1`).join(",")}}`,
    "one key 100,000 times": () => conf(new Array<string>(100_000).fill('"mtu": "x"').join(",")),
    "100,000 addresses": () => conf(`"prevResult": {"ips": ${entries('{"address": "10.0.0.1/8"}', 100_000)}}`),
    "100,000 attachments": () =>
      conf(`"cni.dev/attachments": ${entries('{"containerID": "a", "ifname": "b"}', 100_000)}`),
    "an unended text of a megabyte": () => `{"name": "${"\\u0041".repeat(150_000)}`
  }
  for (const [name, make] of Object.entries(cases)) {
    it(name, () => assertClean(complete, make()))
  }
})

/** JSON values that are close to what is expected, but seldom right. */
const values = Schema.Union([
  Schema.Null,
  Schema.Literals([true, 0, -1, 1500, 1.5, 2 ** 53, "", "x", "n", "1.1.0", "0.2.0", "macvtap", "bridge", "source"]),
  Schema.Literals(["02:03:04:05:06:07", "ff:ff:ff:ff:ff:ff", "10.0.0.1/8", "::1/64", "10.0.0.1", "/a", "\ud800", "\0"]),
  Schema.String,
  Schema.Int
])

const keys = [
  ...["name", "NAME", "cniVersion", "type", "master", "mode", "mtu", "mac", "deviceID", "promiscMode", "allmulti"],
  ...["owner", "group", "bcqueuelen", "sourceMACs", "linkInContainer", "ipam", "dns", "runtimeConfig", "args", "cni"],
  ...["prevResult", "logFile", "logLevel", "cni.dev/valid-attachments", "cni.dev/attachments", "containerID", "ifname"],
  ...["interfaces", "ips", "routes", "address", "gateway", "dst", "gw", "ip4", "ip6", "ip", "nameservers", "__proto__"]
] as const

/** A document of known keys with values of all sorts, three levels deep. */
const level = (inner: Arbitrary.Arbitrary<unknown>): Arbitrary.Arbitrary<unknown> => {
  const pair = Arbitrary.all([Arbitrary.schema(Schema.Literals(keys)), inner])
  const object = Arbitrary.array(pair).pipe(Arbitrary.map((pairs) => Object.fromEntries(pairs)))
  const choices = Arbitrary.all([
    Arbitrary.schema(Schema.Literals(["value", "list", "object", "object"])),
    inner,
    Arbitrary.array(inner),
    object
  ])
  return choices.pipe(
    Arbitrary.map(([choice, value, list, document]) =>
      choice === "value" ? value : choice === "list" ? list : document
    )
  )
}

const documents = level(level(level(Arbitrary.schema(values)))).pipe(
  Arbitrary.map((document) =>
    JSON.stringify(
      typeof document === "object" && document !== null && !Array.isArray(document)
        ? { name: "n", cniVersion: "1.1.0", ...document }
        : document
    )
  )
)

const env = Schema.Struct({
  CNI_COMMAND: Schema.Literals(["ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION", "", "x"]),
  CNI_CONTAINERID: Schema.String,
  CNI_NETNS: Schema.String,
  CNI_IFNAME: Schema.String,
  CNI_ARGS: Schema.String,
  CNI_PATH: Schema.String
})

/** Arguments that are nearly right. */
const args = Arbitrary.schema(
  Schema.Array(
    Schema.Literals(["MAC", "IgnoreUnknown", "K8S_POD_NAME", "=", ";", "1", "true", "x", "02:03:04:05:06:07"])
  )
).pipe(Arbitrary.map((parts) => parts.join("")))

describe("any input", () => {
  it.prop("any text", [Schema.String], ([stdin]) => assertClean(complete, stdin), { arbitrary: { runs: 300 } })

  it.prop("any document", [documents], ([stdin]) => assertClean(complete, stdin), { arbitrary: { runs: 300 } })

  it.prop(
    "a document cut short or with a character changed",
    [documents, Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 400 })), Schema.String],
    ([stdin, at, other]) => {
      assertClean(complete, stdin.slice(0, at))
      assertClean(complete, stdin.slice(0, at) + other + stdin.slice(at + 1))
    },
    { arbitrary: { runs: 150 } }
  )

  it.prop(
    "any environment",
    [env, args],
    ([variables, CNI_ARGS]) => {
      assertClean(variables, '{"name": "n", "cniVersion": "1.1.0"}')
      assertClean({ ...complete, CNI_ARGS }, '{"name": "n", "cniVersion": "1.1.0"}')
    },
    { arbitrary: { runs: 300 } }
  )
})
