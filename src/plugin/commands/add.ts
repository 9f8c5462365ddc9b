/** ADD: a link of its own for the container, on the host's link, with its tap node and its addresses. */
import * as Effect from "effect/Effect"
import { CniError, codes } from "../../cni/call/CniError.ts"
import type { Attachment } from "../../cni/call/Environment.ts"
import type { Ipam } from "../../cni/config/ipam.ts"
import type { LinkConf } from "../../cni/config/LinkConf.ts"
import { encodeResult } from "../../cni/result/encodeResult.ts"
import { appendToPrevResult, type Result } from "../../cni/result/Result.ts"
import type { Link } from "../../link/Link.ts"
import { annotateCall } from "../../observe/span.ts"
import { CallerService } from "../../services/CallerService.ts"
import { addRoutes, configureAddresses, silenceLink } from "../addresses/configure.ts"
import { ipamAdd } from "../addresses/ipam.ts"
import { goUpForIpam } from "../addresses/overLink.ts"
import { ConfigService } from "../ConfigService.ts"
import { attachDevice } from "../device/attach.ts"
import { grantHostAccess } from "../hostAccess/grant.ts"
import { refuseHostAccess } from "../hostAccess/refuse.ts"
import { makeLink } from "../link/make.ts"
import { containerPlace, hostPlace, type Place } from "../link/place.ts"

/**
 * Answers the result document at the configuration's version. Whatever fails, or interrupts, before the caller's scope
 * ends well is taken back by that scope: the link (or the import), its addresses, the reservation of them.
 */
export const add = Effect.gen(function* () {
  const { network, attachment, link: config, prevResult } = yield* ConfigService
  const contradiction = namePattern(attachment) ?? twoOrigins(config)
  if (contradiction !== undefined) return yield* contradiction
  if (config.hostAccess) yield* refuseHostAccess
  const host = yield* hostPlace
  const container = yield* containerPlace(host)

  const made =
    config.deviceID === undefined
      ? yield* makeLink(host, container)
      : yield* attachDevice(host, container, config.deviceID)
  if (network.ipam === undefined && network.kind.device === "tap") yield* silenceLink(container, made)
  const { link, ips, routes } =
    network.ipam === undefined
      ? { link: made, ips: [], routes: [] }
      : yield* giveAddresses(network.ipam, host, container, made)

  yield* annotateCall({ "link.index": link.index, "link.name": link.name })
  const ours: Result = {
    interfaces: [
      {
        name: link.name,
        ...(link.mac === undefined ? {} : { mac: link.mac }),
        mtu: link.mtu,
        sandbox: attachment.netns
      }
    ],
    ips,
    routes,
    dns: config.dns
  }
  const document = encodeResult(appendToPrevResult(prevResult, ours), network.cniVersion)
  // A SIGTERM that came while the kernel worked is seen here, while everything can still be taken back.
  yield* (yield* CallerService).heed ?? Effect.yieldNow
  return document
})

const giveAddresses = Effect.fnUntraced(function* (ipam: Ipam, host: Place, container: Place, made: Link) {
  yield* goUpForIpam(host, container, made)
  const { ips, routes } = yield* ipamAdd(ipam)
  yield* configureAddresses(host, container, made, { ips, routes })
  // Setting addresses up takes as long as its IPAM plugin; the link may be gone by now.
  const link = yield* container.route.linkGet(made.index)
  const nodeRoutes = yield* grantHostAccess(host, link, ips)
  yield* addRoutes(container, link, nodeRoutes, [])
  return { link, ips: ips.map((ip) => ({ ...ip, interface: 0 })), routes: [...routes, ...nodeRoutes] }
})

/** The kernel takes `net%d` for a pattern and numbers it; the link would bear another name than the one asked for. */
const namePattern = ({ ifname }: Attachment): CniError | undefined =>
  ifname.includes("%")
    ? new CniError({
        code: codes.invalidEnvironment,
        msg: `interface name contains %`,
        details: `CNI_IFNAME is "${ifname}", which the kernel would take for a pattern; choose a name without %`
      })
    : undefined

/** A device of the host's is imported from there; a master inside the container is where a link is made. */
const twoOrigins = ({ deviceID, linkInContainer }: LinkConf): CniError | undefined =>
  deviceID !== undefined && linkInContainer
    ? new CniError({
        code: codes.invalidConfig,
        msg: `"deviceID" is "${deviceID}" and "linkInContainer" is true: a device is the host's, and cannot be both`,
        details: `leave one of them out`
      })
    : undefined
