/**
 * Faults as a layer: around any services, those of the kernel in memory or those of the real one, every request is counted,
 * and those that `requests` names go wrong.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type DelegateCall, DelegateService, DelegateUnusable } from "../../services/DelegateService.ts"
import { LinkNotFound, NetlinkError, NetlinkService } from "../../services/NetlinkService.ts"
import { NetnsError, NetnsNotFound, NetnsService } from "../../services/NetnsService.ts"
import { ReservationError, ReservationService } from "../../services/ReservationService.ts"
import { TapError, TapService } from "../../services/TapService.ts"
import { aroundEach } from "./aroundEach.ts"
import type { Requests } from "./requests.ts"

export type FaultyServices = NetlinkService | NetnsService | TapService | ReservationService | DelegateService

/** The service's error of an errno. */
type Refuse = (errno: string, operation: string, args: ReadonlyArray<unknown>) => unknown

/** ENODEV of an operation on one link means that there is no such link. */
const refuseNetlink: Refuse = (errno, operation, [link]) =>
  errno === "ENODEV" && /^link(Get|Set|Del)$/.test(operation)
    ? new LinkNotFound({ link: link as string | number })
    : new NetlinkError({ operation, errno })

const refuseNetns: Refuse = (errno, operation, [path]) =>
  operation === "open" && (errno === "ENOENT" || errno === "ENOTDIR")
    ? new NetnsNotFound({ path: String(path) })
    : new NetnsError({ operation, path: operation === "open" ? String(path) : "", errno })

const refuseTap: Refuse = (errno, operation) => new TapError({ operation, path: "/dev", errno })

const refuseReservation: Refuse = (errno, operation) =>
  new ReservationError({ operation, path: "/var/lib/macvtap-cni", problem: errno, advice: "a test asked for this" })

const refuseDelegate: Refuse = (errno, _, [call]) => {
  const { type, path } = call as DelegateCall
  return new DelegateUnusable({ type, file: `${path[0] ?? ""}/${type}`, errno })
}

/** As a signal does: the fiber is marked, and stops here or, in an uninterruptible region, at that one's end. */
const interrupt = Effect.withFiber((fiber) =>
  Effect.andThen(
    Effect.sync(() => fiber.interruptUnsafe()),
    Effect.yieldNow
  )
)

const faulty = <Service extends object>(
  requests: Requests,
  service: Service,
  refuse: Refuse,
  nameOf: (operation: string, args: ReadonlyArray<unknown>) => string
): Service =>
  aroundEach(service, (acting, operation, args) =>
    Effect.suspend(() => {
      const n = ++requests.count
      const name = nameOf(operation, args)
      requests.log.push(name)
      requests.hook?.(n, name)
      const fault = requests.faults.get(n)
      switch (fault?._tag) {
        case "Refused":
          return Effect.fail(refuse(fault.errno, operation, args))
        case "Lost":
          return Effect.andThen(Effect.exit(acting), Effect.fail(refuse(fault.errno, operation, args)))
        case "Interrupted":
          return fault.moment === "before"
            ? Effect.andThen(interrupt, acting)
            : Effect.flatMap(Effect.exit(acting), (exit) => Effect.andThen(interrupt, exit))
        case undefined:
          return acting
      }
    })
  )

const named =
  (service: string) =>
  (operation: string): string =>
    `${service} ${operation}`

/** The services with the faults of `requests`; its numbers and names are counted over all of them. */
export const withFaults = (
  requests: Requests,
  services: Context.Context<FaultyServices>
): Context.Context<FaultyServices> => {
  const netlink = Context.get(services, NetlinkService)
  const delegate = Context.get(services, DelegateService)
  const around = <Service extends object>(service: Service, name: string, refuse: Refuse): Service =>
    faulty(requests, service, refuse, named(name))
  return Context.make(NetlinkService, {
    changes: around(netlink, "netlink", refuseNetlink).changes,
    connect: (netns) =>
      Effect.map(around(netlink, "netlink", refuseNetlink).connect(netns), (route) =>
        around(route, "netlink", refuseNetlink)
      )
  }).pipe(
    Context.add(NetnsService, around(Context.get(services, NetnsService), "netns", refuseNetns)),
    Context.add(TapService, around(Context.get(services, TapService), "tap", refuseTap)),
    Context.add(
      ReservationService,
      around(Context.get(services, ReservationService), "reservation", refuseReservation)
    ),
    Context.add(
      DelegateService,
      faulty(requests, delegate, refuseDelegate, (_, [call]) => {
        const { type, env } = call as DelegateCall
        return `delegate ${type} ${env["CNI_COMMAND"]}`
      })
    )
  )
}

/** The same as a layer: `faultsLayer(requests).pipe(Layer.provide(liveLayer(…)))`. */
export const faultsLayer = (requests: Requests): Layer.Layer<FaultyServices, never, FaultyServices> =>
  Layer.effectContext(Effect.map(Effect.context<FaultyServices>(), (services) => withFaults(requests, services)))
