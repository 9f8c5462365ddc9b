/** CHECK: the container has what ADD answered, and what the configuration asks for. Any difference is an error. */
import * as Effect from "effect/Effect"
import { CniError, codes } from "../cni/CniError.ts"
import { formatCidr, networkOf } from "../cni/Ip.ts"
import type { Result, ResultRoute } from "../cni/Result.ts"
import type { Link } from "../link/Link.ts"
import { ConfigService } from "../services/ConfigService.ts"
import type { Address, Route } from "../services/NetlinkService.ts"
import { ipamForward } from "./ipam.ts"
import { checkMtu, findParent } from "./parent.ts"
import { containerPlace, hostPlace, type Place } from "./place.ts"
import { foreignNode, judgeNode } from "./tapNode.ts"

const differs = (msg: string, details?: string) =>
  new CniError({ code: codes.internal, msg, ...(details === undefined ? {} : { details }) })

/** The entry of prevResult that is this attachment's, and its index, by which ips and routes refer to it. */
const ownInterface = Effect.fnUntraced(function* (prevResult: Result) {
  const { attachment } = yield* ConfigService
  const index = prevResult.interfaces.findLastIndex(
    (entry) => entry.name === attachment.ifname && entry.sandbox === attachment.netns
  )
  const entry = prevResult.interfaces[index]
  if (entry === undefined) {
    return yield* differs(
      `prevResult has no interface "${attachment.ifname}" in sandbox "${attachment.netns}"`,
      "the runtime must pass the final result of ADD for this very attachment"
    )
  }
  return { entry, index }
})

const checkLink = Effect.fnUntraced(function* (
  host: Place,
  container: Place,
  link: Link,
  entry: Result["interfaces"][number]
) {
  const { network, link: config, attachment } = yield* ConfigService
  if (link.kind !== network.kind.kind) {
    return yield* differs(`link "${link.name}" is a ${link.kind ?? "hardware link"}, not a ${network.kind.kind}`)
  }
  for (const [name, { key, checked, default: fallback }] of Object.entries(network.kind.attributes)) {
    const expected = config.options[name] ?? (config.deviceID === undefined ? fallback : undefined)
    if (checked !== true || expected === undefined) continue
    const found = link.options[name]
    if (JSON.stringify(found) !== JSON.stringify(expected)) {
      return yield* differs(
        `link "${link.name}" has "${key ?? name}" ${JSON.stringify(found)}, configured is ${JSON.stringify(expected)}`
      )
    }
  }
  if (entry.mac !== undefined && entry.mac.toLowerCase() !== link.mac) {
    return yield* differs(`link "${link.name}" has MAC address ${link.mac}, prevResult says ${entry.mac}`)
  }
  if (config.mac !== undefined && config.mac !== link.mac) {
    return yield* differs(`link "${link.name}" has MAC address ${link.mac}, configured is ${config.mac}`)
  }
  const mtu = entry.mtu ?? (config.mtu || undefined)
  if (mtu !== undefined && mtu !== link.mtu) {
    return yield* differs(
      `link "${link.name}" has MTU ${link.mtu}, ${entry.mtu === undefined ? "configured is" : "prevResult says"} ${mtu}`,
      "lowering the master's MTU lowers the link's for good; raising it again does not restore it"
    )
  }
  if (!link.up) return yield* differs(`link "${link.name}" is down`)
  if (config.allmulti && !link.allmulti)
    return yield* differs(`link "${link.name}" has "allmulti" off, configured is on`)
  if (config.promisc && !link.promisc)
    return yield* differs(`link "${link.name}" has "promiscMode" off, configured is on`)
  yield* checkParent(host, container, link)
  if (network.kind.device === "tap") {
    const verdict = yield* judgeNode(container.netns, link)
    if (verdict._tag === "Foreign") return yield* foreignNode(verdict.node, link)
    if (verdict._tag === "None" && (config.owner !== undefined || config.group !== undefined)) {
      return yield* differs(`link "${attachment.ifname}" has no tap node /dev/tap${link.index}`)
    }
    if (verdict._tag === "Own" && config.owner !== undefined && verdict.node.owner !== config.owner) {
      return yield* differs(`${verdict.node.path} belongs to user ${verdict.node.owner}, configured is ${config.owner}`)
    }
    if (verdict._tag === "Own" && config.group !== undefined && verdict.node.group !== config.group) {
      return yield* differs(
        `${verdict.node.path} belongs to group ${verdict.node.group}, configured is ${config.group}`
      )
    }
  }
})

/** The link sits on the master that is configured: one that was recreated has another ifindex, and none of our links. */
const checkParent = Effect.fnUntraced(function* (host: Place, container: Place, link: Link) {
  const { link: config } = yield* ConfigService
  if (config.deviceID !== undefined && config.master === undefined) return
  const parent = yield* findParent((config.linkInContainer ? container : host).route)
  yield* checkMtu(config.mtu, parent)
  if (link.parent?.index !== parent.index) {
    return yield* differs(
      `link "${link.name}" is not on master "${parent.name}"`,
      `its parent has ifindex ${link.parent?.index}, "${parent.name}" has ${parent.index}`
    )
  }
})

const isRoute = (asked: ResultRoute) => {
  const { family, address, prefix } = networkOf(asked.dst)
  return (route: Route): boolean =>
    route.family === family &&
    route.prefix === prefix &&
    route.dst === address &&
    (route.table ?? 254) === (asked.table ?? 254) &&
    // A default route may come from the first gateway of the family; only a stated gateway of another route is compared.
    (asked.gw === undefined || prefix === 0 || route.gw === asked.gw.address) &&
    (!asked.priority || route.priority === asked.priority)
}

const checkAddresses = Effect.fnUntraced(function* (container: Place, link: Link, prevResult: Result, index: number) {
  const found: ReadonlyArray<Address> = yield* container.route.addressList(link.index)
  // An address that names no interface is ours where there is no other it could be.
  const onlyOurs = prevResult.interfaces.length === 1
  const ours = prevResult.ips.filter((ip) => ip.interface === index || (ip.interface === undefined && onlyOurs))
  for (const ip of ours) {
    const { address, prefix } = ip.address
    if (!found.some((has) => has.address === address && has.prefix === prefix)) {
      return yield* differs(`Failed to match addr ${formatCidr(ip.address)} on interface ${link.name}`)
    }
  }
  if (prevResult.routes.length === 0) return
  const routes = yield* container.route.routeList()
  for (const asked of prevResult.routes) {
    if (!routes.some(isRoute(asked))) {
      return yield* differs(
        `Failed to find route ${formatCidr(asked.dst)}${asked.gw === undefined ? "" : ` via ${asked.gw.address}`} for interface ${link.name}`
      )
    }
  }
})

export const check = Effect.gen(function* () {
  const { attachment, prevResult } = yield* ConfigService
  const host = yield* hostPlace
  const container = yield* containerPlace(host)
  yield* ipamForward("CHECK")
  if (prevResult === undefined)
    return yield* new CniError({ code: codes.invalidConfig, msg: "required prevResult missing" })
  const { entry, index } = yield* ownInterface(prevResult)
  const link = yield* container.route
    .linkGet(attachment.ifname)
    .pipe(
      Effect.catchTag("LinkNotFound", () =>
        differs(
          `container interface ${attachment.ifname} not found`,
          "it was removed, or its master was: the links of a master that is deleted or recreated go with it"
        )
      )
    )
  yield* checkLink(host, container, link, entry)
  yield* checkAddresses(container, link, prevResult, index)
})
