/**
 * The kernel's refusals in words. Most carry none (EEXIST, EINVAL, EBUSY …), and a CNI error is all that a cluster's user
 * ever sees: so what is in the way is looked up, and whose it is. Looking everywhere is for failures only.
 */
import * as Effect from "effect/Effect"
import { CniError, codes } from "../../cni/call/CniError.ts"
import { takesAllFrames } from "../../link/kinds.ts"
import type { Link, LinkOptions } from "../../link/Link.ts"
import type { NetlinkError } from "../../services/NetlinkService.ts"
import { type Asked, describeLink, findBeside, onParent } from "./obstacle.ts"

/** Fails with the refusal explained. A diagnosis that itself fails never hides the refusal. */
export const explainRefusal = Effect.fnUntraced(function* (error: NetlinkError, asked: Asked) {
  const [why, advice] = yield* diagnose(error, asked).pipe(
    Effect.catch(() => Effect.succeed(["refused by the kernel", ""] as const))
  )
  const verb =
    asked.made !== undefined ? "set up" : asked.device === undefined ? "create" : `import "${asked.device.name}" as`
  const on = asked.parent === undefined ? "" : ` on master "${asked.parent.name}"`
  return yield* new CniError({
    code:
      error.errno === "EOPNOTSUPP"
        ? codes.notAvailable
        : error.errno === "ENODEV"
          ? codes.tryAgainLater
          : codes.invalidConfig,
    msg: `cannot ${verb} ${asked.spec.kind.kind} "${asked.spec.name}"${on}: ${error.extack ?? why} (${error.errno})`,
    details: [error.extack === undefined ? "" : why, advice].filter((part) => part !== "").join("; ")
  })
})

/** What is in the way, and what would be right. */
const diagnose = Effect.fnUntraced(function* (error: NetlinkError, asked: Asked) {
  const { kind } = asked.spec.kind
  switch (error.errno) {
    case "EEXIST":
      return yield* nameTaken(asked)
    case "EINVAL":
      return yield* invalidArgument(asked)
    case "EADDRINUSE":
      return yield* macInUse(asked)
    case "EBUSY":
      return yield* masterBusy(asked)
    case "EADDRNOTAVAIL":
      return [
        `"mac" is ${asked.spec.mac}, no address that a link can have`,
        `a MAC address must be a unicast one, and not zero`
      ] as const
    case "ENODEV":
      return [`"${asked.parent?.name ?? asked.device?.name}" was removed meanwhile`, "try again"] as const
    case "EOPNOTSUPP":
      return [
        `this node's kernel has no ${kind} links`,
        `load the module ("modprobe ${kind}"), or use a kernel with CONFIG_${kind.toUpperCase()}`
      ] as const
    case "EPERM":
    case "EACCES":
      return ["the plugin may not do that", "it needs CAP_NET_ADMIN: run it as root"] as const
    case "ENOSPC":
      return ["the kernel has no tap device left", "there are too many taps on this node"] as const
    default:
      return ["refused by the kernel", ""] as const
  }
})

const nameTaken = Effect.fnUntraced(function* (asked: Asked) {
  const taken = yield* Effect.result(asked.container.route.linkGet(asked.spec.name ?? ""))
  if (taken._tag === "Failure") {
    return ["the link exists already", "another call for the same attachment may be under way; try again"] as const
  }
  return [
    `${describeLink(taken.success)} already has that name in the container`,
    taken.success.alias !== undefined && taken.success.alias === asked.spec.alias
      ? "by its alias it is this very attachment: it was added before; DEL it first"
      : "choose another CNI_IFNAME, or remove that link"
  ] as const
})

const invalidArgument = Effect.fnUntraced(function* (asked: Asked) {
  const { parent, spec, device } = asked
  const mode = spec.options?.["mode"]
  const isOnParent = onParent(parent)
  const isExclusive = (options: LinkOptions = {}): boolean => spec.kind.exclusive?.(options) === true
  // Neither can be beside the other.
  const excludes = (link: Link): boolean => isExclusive(spec.options) || isExclusive(link.options)
  const neighbour = yield* findBeside(asked, (link) => isOnParent(link) && excludes(link))
  if (neighbour !== undefined && isExclusive(neighbour.link.options)) {
    return [
      `${neighbour.words} is on it in mode "${neighbour.link.options["mode"]}", which takes the master for itself`,
      `use another "master", or remove that link`
    ] as const
  }
  if (neighbour !== undefined) {
    return [
      `"mode" is "${mode}", which takes the master for itself, but ${neighbour.words} is on "${parent?.name}" too`,
      `use another "mode", or another "master"`
    ] as const
  }
  const fixed = [spec.options, device?.options].find(isExclusive)
  if (device !== undefined && fixed !== undefined && mode !== undefined && mode !== device.options["mode"]) {
    return [
      `"mode" cannot be changed from "${device.options["mode"]}" to "${mode}"`,
      `the kernel changes no mode to or from "${fixed["mode"]}"; leave "mode" out to keep the device's`
    ] as const
  }
  return [
    `the kernel calls it invalid`,
    `"${parent?.name}" (${parent?.kind ?? "hardware"}) must be an Ethernet link, not loopback, to carry a ${spec.kind.kind}`
  ] as const
})

const macInUse = Effect.fnUntraced(function* (asked: Asked) {
  const { parent, spec } = asked
  if (spec.mac !== undefined && spec.mac === parent?.mac && spec.kind.exclusive?.(spec.options ?? {}) !== true) {
    return [
      `"mac" is ${spec.mac}, the address of "${parent.name}" itself`,
      `choose another "mac", or leave it out`
    ] as const
  }
  const isOnParent = onParent(parent)
  const holder = yield* findBeside(asked, (link) => isOnParent(link) && link.mac === spec.mac)
  return [
    `MAC address ${spec.mac ?? ""} is in use on "${parent?.name}"${holder === undefined ? "" : ` by ${holder.words}`}`,
    `two links on one master cannot have the same "mac"; choose another, or remove that link`
  ] as const
})

const masterBusy = Effect.fnUntraced(function* (asked: Asked) {
  const { parent, birthplace } = asked
  const controller =
    parent?.controller === undefined
      ? undefined
      : yield* birthplace.route.linkGet(parent.controller).pipe(Effect.catch(() => Effect.succeed(undefined)))
  if (controller !== undefined) {
    return [
      `"${parent?.name}" is a port of ${describeLink(controller)}`,
      `use "${controller.name}" as "master", or take "${parent?.name}" out of it`
    ] as const
  }
  const sibling = yield* findBeside(asked, (link) => takesAllFrames(link.kind) && link.parent?.index === parent?.index)
  return [
    `"${parent?.name}" is busy${sibling === undefined ? "" : `: ${sibling.words} is on it`}`,
    `a link that carries ipvlans, or is a port of a bridge or bond, carries no ${asked.spec.kind.kind}; use another "master"`
  ] as const
})
