/** Whether this process may look at all, and whether the kernel has what the plugin asks it for. */
import * as Effect from "effect/Effect"
import { kinds } from "../../../link/kinds.ts"
import { NetlinkService } from "../../../services/NetlinkService.ts"
import { NetnsService } from "../../../services/NetnsService.ts"
import { readText } from "../../node/files.ts"
import { type Finding, fine, note, wrong } from "../Finding.ts"

/** linux/capability.h */
const needed = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21 } as const

export const kernel = Effect.gen(function* () {
  return [rights(readText("/proc/self/status")), ...(yield* place), ...(yield* kindFindings)]
}).pipe(
  Effect.catch((error) =>
    Effect.succeed([
      rights(readText("/proc/self/status")),
      wrong("kernel", `it cannot be asked: ${error.errno}`, "run it as root, on the node itself")
    ])
  )
)

/** `status` is the text of /proc/self/status. */
export const rights = (status: string | undefined): Finding => {
  const set = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status ?? "")?.[1] ?? "0"}`)
  const missing = Object.entries(needed).flatMap(([name, bit]) => ((set >> BigInt(bit)) & 1n ? [] : [name]))
  return missing.length === 0
    ? fine("rights", "this process may look everywhere")
    : wrong("rights", `this process lacks ${missing.join(" and ")}, so that the rest is incomplete`, "run it as root")
}

/** The process ought to be in the network namespace of the node, which is that of process 1. */
const place = Effect.gen(function* () {
  const service = yield* NetnsService
  const current = yield* service.current
  const first = yield* service.open("/proc/1/ns/net").pipe(Effect.orElseSucceed(() => undefined))
  return first === undefined || first.id === current.id
    ? []
    : [
        note(
          "network namespace",
          "this is not that of process 1, so that it may not be the node's",
          "run it on the node itself, or in a pod with hostNetwork: true"
        )
      ]
}).pipe(Effect.scoped)

const kindFindings = Effect.gen(function* () {
  const current = yield* (yield* NetnsService).current
  const route = yield* (yield* NetlinkService).connect(current)
  const findings: Array<Finding> = []
  const present: Array<string> = []
  for (const kind of kinds) {
    if (yield* route.kindExists(kind)) present.push(kind.kind)
    else findings.push(wrong("kernel", `it has no links of kind ${kind.kind}`, modules(kind.kind)))
  }
  return present.length === 0
    ? findings
    : [fine("kernel", `it makes links of kind ${present.join(" and ")}`), ...findings]
}).pipe(Effect.scoped)

const modules = (kind: string): string =>
  `load it with "modprobe ${kind}"; if there is no such module, install the package with the kernel's further modules ` +
  `(linux-modules-extra, kernel-modules-extra), or a kernel built with CONFIG_${kind.toUpperCase()}`
