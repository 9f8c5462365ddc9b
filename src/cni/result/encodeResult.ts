/** Our result in the shape of the configuration's version. */
import { jsonText } from "../../wire/foreign.ts"
import { knowsNoInterfaces } from "../call/version.ts"
import { isEmptyDns } from "./Dns.ts"
import { formatCidr } from "./Ip.ts"
import type { Result, ResultInterface, ResultIp, ResultRoute } from "./Result.ts"

/** Keys whose value is undefined are left out of the JSON. */
const unlessEmpty = <A>(items: ReadonlyArray<A>): ReadonlyArray<A> | undefined =>
  items.length === 0 ? undefined : items

const route = ({ dst, gw, ...rest }: ResultRoute) => ({ dst: formatCidr(dst), gw: gw?.address, ...rest })

const ip = ({ interface: index, address, gateway }: ResultIp) => ({
  interface: index,
  address: formatCidr(address),
  gateway: gateway?.address
})

/** 1.0.0 and 1.1.0, which share one shape in the Go library: `dns` only where there is something in it. */
const since100 = ({ interfaces, ips, routes, dns }: Result) => ({
  interfaces: unlessEmpty(interfaces),
  ips: unlessEmpty(ips.map(ip)),
  routes: unlessEmpty(routes.map(route)),
  dns: isEmptyDns(dns) ? undefined : dns
})

const interface030 = ({ name, mac, sandbox }: ResultInterface) => ({ name, mac, sandbox })

/** 0.3.0 to 0.4.0: fewer words of an interface, the family of an address, `dns` always. */
const since030 = ({ interfaces, ips, routes, dns }: Result) => ({
  interfaces: unlessEmpty(interfaces.map(interface030)),
  ips: unlessEmpty(ips.map((each) => ({ version: String(each.address.family), ...ip(each) }))),
  routes: unlessEmpty(routes.map(route)),
  dns
})

const ofFamily = (family: 4 | 6, { ips, routes }: Result) => {
  const first = ips.find(({ address }) => address.family === family)
  const own = routes.filter(({ dst }) => dst.family === family)
  return (
    first && {
      ip: formatCidr(first.address),
      gateway: first.gateway?.address,
      routes: unlessEmpty(own.map(({ dst, gw }) => ({ dst: formatCidr(dst), gw: gw?.address })))
    }
  )
}

/**
 * 0.1.0 and 0.2.0: the first address of each family with the family's routes, no interfaces, `dns` always. A link without
 * addresses is told by `{ "dns": {} }`, which the Go library reads, although it cannot write it.
 */
const before030 = (result: Result) => ({ ip4: ofFamily(4, result), ip6: ofFamily(6, result), dns: result.dns })

const shapeOf = (cniVersion: string): ((result: Result) => object) =>
  knowsNoInterfaces(cniVersion) ? before030 : cniVersion.startsWith("0.") ? since030 : since100

/** The result for stdout: indented by 4 spaces, no trailing newline. */
export const encodeResult = (result: Result, cniVersion: string): string =>
  jsonText({ cniVersion, ...shapeOf(cniVersion)(result) }, 4)
