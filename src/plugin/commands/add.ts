/** ADD: a link of its own for the container, on the host's link, with its tap node and its addresses. */
import * as Effect from "effect/Effect"
import { CniError, codes } from "../../cni/call/CniError.ts"
import { encodeResult } from "../../cni/result/encodeResult.ts"
import { appendToPrevResult, type Result } from "../../cni/result/Result.ts"
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
import { containerPlace, hostPlace } from "../link/place.ts"

/**
 * Answers the result document at the configuration's version. Whatever fails, or interrupts, before the caller's scope
 * ends well is taken back by that scope: the link (or the import), its addresses, the reservation of them.
 */
export const add = Effect.gen(function* () {
  const { network, attachment, link: config, prevResult } = yield* ConfigService
  yield* refuseNamePattern
  yield* refuseTwoOrigins
  yield* refuseHostAccess
  const host = yield* hostPlace
  const container = yield* containerPlace(host)

  const made =
    config.deviceID === undefined
      ? yield* makeLink(host, container)
      : yield* attachDevice(host, container, config.deviceID)

  yield* goUpForIpam(host, container, made)
  const allotted = yield* ipamAdd
  if (allotted !== undefined) yield* configureAddresses(host, container, made, allotted)
  else if (network.kind.device === "tap") yield* silenceLink(container, made)

  // Setting addresses up takes as long as its IPAM plugin; the link may be gone by now.
  const link = allotted === undefined ? made : yield* container.route.linkGet(made.index)
  const nodeRoutes = yield* grantHostAccess(host, link, allotted?.ips ?? [])
  yield* addRoutes(container, link, nodeRoutes, [])
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
    ips: allotted === undefined ? [] : allotted.ips.map((ip) => ({ ...ip, interface: 0 })),
    routes: [...(allotted?.routes ?? []), ...nodeRoutes],
    dns: config.dns
  }
  const document = encodeResult(appendToPrevResult(prevResult, ours), network.cniVersion)
  // A SIGTERM that came while the kernel worked is seen here, while everything can still be taken back.
  yield* (yield* CallerService).heed ?? Effect.yieldNow
  return document
})

/** The kernel takes `net%d` for a pattern and numbers it; the link would bear another name than the one asked for. */
const refuseNamePattern = Effect.gen(function* () {
  const { ifname } = (yield* ConfigService).attachment
  if (ifname.includes("%")) {
    return yield* new CniError({
      code: codes.invalidEnvironment,
      msg: `interface name contains %`,
      details: `CNI_IFNAME is "${ifname}", which the kernel would take for a pattern; choose a name without %`
    })
  }
})

/** A device of the host's is imported from there; a master inside the container is where a link is made. */
const refuseTwoOrigins = Effect.gen(function* () {
  const { deviceID, linkInContainer } = (yield* ConfigService).link
  if (deviceID !== undefined && linkInContainer) {
    return yield* new CniError({
      code: codes.invalidConfig,
      msg: `"deviceID" is "${deviceID}" and "linkInContainer" is true: a device is the host's, and cannot be both`,
      details: `leave one of them out`
    })
  }
})
