/** What stdout may hold, by schemas of the specification's text. */
import * as Schema from "effect/Schema"
import { assert } from "vitest"

const versions = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const

const exactly = { errors: "all", onExcessProperty: "error" } as const

const ErrorObject = Schema.Struct({
  cniVersion: Schema.Literals(versions),
  code: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 999 })),
  msg: Schema.NonEmptyString,
  details: Schema.optionalKey(Schema.NonEmptyString)
})

const ipv4 = "(\\d{1,3}\\.){3}\\d{1,3}"
const ipv6 = "[0-9a-f:]*:[0-9a-f:.]*"
const Ip = Schema.String.check(Schema.isPattern(new RegExp(`^(${ipv4}|${ipv6})$`)))
const Cidr = Schema.String.check(Schema.isPattern(new RegExp(`^(${ipv4}/\\d{1,2}|${ipv6}/\\d{1,3})$`)))
const Mac = Schema.String.check(Schema.isPattern(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/))
const Count = Schema.Int.check(Schema.isGreaterThan(0))
const Natural = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const Texts = Schema.NonEmptyArray(Schema.NonEmptyString)

const Dns = Schema.Struct({
  nameservers: Schema.optionalKey(Texts),
  domain: Schema.optionalKey(Schema.NonEmptyString),
  search: Schema.optionalKey(Texts),
  options: Schema.optionalKey(Texts)
})

const Route = Schema.Struct({
  dst: Cidr,
  gw: Schema.optionalKey(Ip),
  mtu: Schema.optionalKey(Count),
  advmss: Schema.optionalKey(Count),
  priority: Schema.optionalKey(Count),
  table: Schema.optionalKey(Natural),
  scope: Schema.optionalKey(Natural)
})

const Family = Schema.Struct({
  ip: Cidr,
  gateway: Schema.optionalKey(Ip),
  routes: Schema.optionalKey(Schema.NonEmptyArray(Schema.Struct({ dst: Cidr, gw: Schema.optionalKey(Ip) })))
})

const first = (cniVersion: string) =>
  Schema.Struct({
    cniVersion: Schema.Literal(cniVersion),
    ip4: Schema.optionalKey(Family),
    ip6: Schema.optionalKey(Family),
    dns: Dns
  })

const address = {
  interface: Schema.optionalKey(Natural),
  address: Cidr,
  gateway: Schema.optionalKey(Ip)
}

const link = {
  name: Schema.NonEmptyString,
  mac: Schema.optionalKey(Mac),
  sandbox: Schema.optionalKey(Schema.NonEmptyString)
}

const second = (cniVersion: string) =>
  Schema.Struct({
    cniVersion: Schema.Literal(cniVersion),
    interfaces: Schema.NonEmptyArray(Schema.Struct(link)),
    ips: Schema.optionalKey(Schema.NonEmptyArray(Schema.Struct({ version: Schema.Literals(["4", "6"]), ...address }))),
    routes: Schema.optionalKey(Schema.NonEmptyArray(Route)),
    dns: Dns
  })

const third = (cniVersion: string) =>
  Schema.Struct({
    cniVersion: Schema.Literal(cniVersion),
    interfaces: Schema.NonEmptyArray(
      Schema.Struct({
        ...link,
        mtu: Schema.optionalKey(Count),
        socketPath: Schema.optionalKey(Schema.NonEmptyString),
        pciID: Schema.optionalKey(Schema.NonEmptyString)
      })
    ),
    ips: Schema.optionalKey(Schema.NonEmptyArray(Schema.Struct(address))),
    routes: Schema.optionalKey(Schema.NonEmptyArray(Route)),
    dns: Schema.optionalKey(Dns)
  })

/** Pretty-printed by 4 spaces, without a newline at the end: the very bytes. */
const assertPrinted = (stdout: string): unknown => {
  const document: unknown = JSON.parse(stdout)
  assert.strictEqual(stdout, JSON.stringify(document, undefined, 4))
  return document
}

export interface ErrorDocument {
  readonly cniVersion: string
  readonly code: number
  readonly msg: string
  readonly details?: string
}

/** A line of a stack trace, of V8 or JavaScriptCore. */
const trace = /^\s+at .+[:(]|\.(ts|js):\d+:\d+|@\/.*:\d+:\d+/m

/** stdout is one error object; its version is the configuration's where that is known. */
export const assertError = (stdout: string, cniVersion?: string): ErrorDocument => {
  const document = assertPrinted(stdout)
  Schema.decodeUnknownSync(ErrorObject, exactly)(document)
  const error = document as ErrorDocument
  assert.notMatch(`${error.msg}\n${error.details ?? ""}`, trace)
  // One line each: runtimes put them into log lines and events. A fault of the plugin is none of its answers.
  assert.notMatch(error.msg, /\n/)
  assert.notMatch(error.msg, /^internal error/)
  if (cniVersion !== undefined) assert.strictEqual(error.cniVersion, cniVersion)
  return error
}

export interface ResultDocument {
  readonly cniVersion: string
  readonly interfaces?: ReadonlyArray<{
    readonly name: string
    readonly mac?: string
    readonly mtu?: number
    readonly sandbox?: string
  }>
  readonly ips?: ReadonlyArray<{ readonly address: string; readonly gateway?: string; readonly interface?: number }>
  readonly routes?: ReadonlyArray<{ readonly dst: string; readonly gw?: string }>
  readonly ip4?: { readonly ip: string; readonly gateway?: string }
  readonly ip6?: { readonly ip: string; readonly gateway?: string }
  readonly dns?: object
}

/** stdout is one result in exactly the shape of its version. */
export const assertResult = (stdout: string, cniVersion: string): ResultDocument => {
  const document = assertPrinted(stdout)
  const shape = /^0\.[12]\./.test(cniVersion) ? first : cniVersion.startsWith("0.") ? second : third
  Schema.decodeUnknownSync(shape(cniVersion), exactly)(document)
  return document as ResultDocument
}
