/** Results of other plugins (IPAM, the previous one of a chain) at any version, as the shape of 1.1.0. */
import * as Effect from "effect/Effect"
import * as R from "effect/Result"
import { CniError, codes } from "../call/CniError.ts"
import { type Decoded, type Decoder, describeFault, list, struct } from "../decode/decode.ts"
import { integer, optional, orElse, parsed, required, text } from "../decode/decoders.ts"
import { describeJsonFault, parseJson } from "../decode/json.ts"
import { show } from "../decode/show.ts"
import { dns } from "./Dns.ts"
import { parseCidr, parseIp } from "./Ip.ts"
import type { Result, ResultIp, ResultRoute } from "./Result.ts"

const cidr = required(parsed(parseCidr, "an address with its prefix length such as 10.1.2.3/24 or fd00::1/64"))
const ip = parsed(parseIp, "an IP address such as 10.1.2.3 or fd00::1")
const count = integer(0, 0xffffffff)

/** Zero is as good as absent. */
const nonZero: Decoder<number | undefined> = (value) => R.map(count(value), (number) => number || undefined)

/** Before 0.3.1 an index of -1 said that there is none. */
const interfaceIndex: Decoder<number | undefined> = (value) =>
  R.map(integer(-0x80000000, 0x7fffffff)(value), (index) => (index === undefined || index < 0 ? undefined : index))

const resultInterface = struct({
  name: orElse(text, ""),
  mac: text,
  mtu: nonZero,
  sandbox: text,
  socketPath: text,
  pciID: text
})

const resultIp: Decoder<ResultIp> = struct({ address: cidr, gateway: ip, interface: interfaceIndex })

const resultRoute: Decoder<ResultRoute> = struct({
  dst: cidr,
  gw: ip,
  mtu: nonZero,
  advmss: nonZero,
  priority: nonZero,
  table: count,
  scope: integer(0, 255)
})

const since030: Decoder<Result> = struct({
  interfaces: list(resultInterface),
  ips: list(resultIp),
  routes: list(resultRoute),
  dns
})

/** 0.1.0 and 0.2.0: one address a family, with its routes. */
const family = optional(struct({ ip: cidr, gateway: ip, routes: list(resultRoute) }))
const families = struct({ ip4: family, ip6: family, dns })

const before030: Decoder<Result> = (document) =>
  R.map(families(document), (given) => {
    const present = [given.ip4, given.ip6].filter((each) => each !== undefined)
    return {
      interfaces: [],
      ips: present.map(({ ip, gateway }) => ({ address: ip, ...(gateway ? { gateway } : {}) })),
      routes: present.flatMap(({ routes }) => routes),
      dns: given.dns
    }
  })

/** Versions whose results are read alike; the Go library has one type for each row. */
const generations: ReadonlyArray<{ readonly versions: ReadonlyArray<string>; readonly decoder: Decoder<Result> }> = [
  { versions: ["0.1.0", "0.2.0"], decoder: before030 },
  { versions: ["0.3.0", "0.3.1", "0.4.0"], decoder: since030 },
  { versions: ["1.0.0", "1.1.0"], decoder: since030 }
]

const generationOf = (version: string) => generations.find(({ versions }) => versions.includes(version))

const header: Decoder<{ readonly cniVersion?: string }> = struct({ cniVersion: text })

const malformed = (problem: string): CniError =>
  new CniError({ code: codes.decodingFailure, msg: `invalid result: ${problem}` })

const orMalformed = <A>(decoded: Decoded<A>): R.Result<A, CniError> =>
  R.mapError(decoded, (cause) => malformed(describeFault(cause)))

const internal = (msg: string): CniError => new CniError({ code: codes.internal, msg })

/** The version that a result says it has, else `defaultVersion`. */
const versionOf = (document: unknown, defaultVersion: string): R.Result<string, CniError> =>
  R.map(orMalformed(header(document)), ({ cniVersion }) => cniVersion ?? defaultVersion)

const resultOf = (document: unknown, defaultVersion: string): R.Result<Result, CniError> =>
  R.flatMap(versionOf(document, defaultVersion), (version) => {
    const generation = generationOf(version)
    return generation === undefined
      ? R.fail(internal(`unsupported CNI result version ${show(version)}`))
      : orMalformed(generation.decoder(document))
  })

/** A result at its own version, or at `defaultVersion` where it names none. `null` is an empty result. */
export const decodeResult = (document: unknown, defaultVersion: string): Effect.Effect<Result, CniError> =>
  Effect.fromResult(resultOf(document, defaultVersion))

/** A result from the text that a plugin wrote; one that would keep the kernel busy for seconds is refused. */
export const parseResult = (stdout: string, defaultVersion: string): Effect.Effect<Result, CniError> =>
  Effect.fromResult(
    R.mapError(parseJson(stdout), (fault) => malformed(describeJsonFault(fault))).pipe(
      R.flatMap((document) => resultOf(document, defaultVersion)),
      R.flatMap((result) =>
        result.ips.length > mostAddresses
          ? R.fail(malformed(`${result.ips.length} addresses, where a link can have ${mostAddresses} at most`))
          : result.routes.length > mostRoutes
            ? R.fail(malformed(`${result.routes.length} routes, where a link can have ${mostRoutes} at most`))
            : R.succeed(result)
      )
    )
  )

/** Each costs the kernel a request, 20,000 of them 9 s. */
const mostAddresses = 256
const mostRoutes = 1024

/**
 * A result that has to be of the configuration's version, or of one that is read alike: runtimes convert `prevResult`
 * before they call.
 */
export const decodeResultOf = (document: unknown, cniVersion: string): Effect.Effect<Result, CniError> =>
  Effect.fromResult(
    R.flatMap(versionOf(document, cniVersion), (version) => {
      const { versions = [] } = generationOf(cniVersion) ?? {}
      return versions.includes(version)
        ? resultOf(document, version)
        : R.fail(
            internal(`result type supports [${versions.join(" ")}] but unmarshalled CNIVersion is ${show(version)}`)
          )
    })
  )
