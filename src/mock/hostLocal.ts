/** An IPAM plugin in memory that answers as host-local does: one address for each attachment, out of one subnet. */
import type { DelegateCall } from "../services/DelegateService.ts"
import type { Reservation } from "./kernel/state.ts"

/** What a plugin's process leaves behind: stdout, stderr, exit status (0 when left out). */
export interface DelegateAnswer {
  readonly stdout: string
  readonly stderr?: string
  readonly status?: number
}

/** A plugin: its answer to a call. `reservations` is what it remembers, and shows in the kernel's snapshot. */
export type DelegatePlugin = (call: DelegateCall, reservations: Array<Reservation>) => DelegateAnswer

interface Configuration {
  readonly cniVersion?: string
  readonly name?: string
  readonly ipam?: { readonly subnet?: string; readonly routes?: ReadonlyArray<unknown> }
  readonly "cni.dev/valid-attachments"?: ReadonlyArray<{ readonly containerID: string; readonly ifname: string }>
}

/** A plugin's error object on stdout and exit status 1. */
export const failed = (code: number, msg: string, cniVersion = "1.1.0"): DelegateAnswer => ({
  stdout: JSON.stringify({ cniVersion, code, msg }),
  status: 1
})

/** A result with these addresses, in the shape that the version has. */
export const answered = (
  cniVersion: string,
  ips: ReadonlyArray<{ readonly address: string; readonly gateway?: string }>,
  routes: ReadonlyArray<unknown> = []
): DelegateAnswer => {
  if (/^0\.[12]\./.test(cniVersion)) {
    const family = (six: boolean) => {
      const [first] = ips.filter(({ address }) => address.includes(":") === six)
      const own = routes.filter((route) => /"dst":"[^"]*:/.test(JSON.stringify(route)) === six)
      return first && { ip: first.address, gateway: first.gateway, routes: own }
    }
    return { stdout: JSON.stringify({ cniVersion, ip4: family(false), ip6: family(true), dns: {} }) }
  }
  const versioned = /^0\./.test(cniVersion)
  return {
    stdout: JSON.stringify({
      cniVersion,
      ips: ips.map((ip) => ({ ...(versioned ? { version: ip.address.includes(":") ? "6" : "4" } : {}), ...ip })),
      ...(routes.length === 0 ? {} : { routes }),
      dns: {}
    })
  }
}

const nothing: DelegateAnswer = { stdout: "" }

/** `10.1.0.0/16`, or the like, of which the last octet is counted. */
const addressIn = (subnet: string, n: number): { readonly address: string; readonly gateway: string } => {
  const [, network = "", prefix = ""] = /^(\d+\.\d+\.\d+)\.0\/(\d+)$/.exec(subnet) ?? []
  return { address: `${network}.${n}/${prefix}`, gateway: `${network}.1` }
}

export const hostLocal: DelegatePlugin = ({ env, stdin }, reservations) => {
  const conf: Configuration = JSON.parse(stdin)
  const { cniVersion = "0.1.0", name: network = "" } = conf
  const [containerID = "", ifname = ""] = [env["CNI_CONTAINERID"], env["CNI_IFNAME"]]
  const isOurs = (has: Reservation) =>
    has.network === network && has.containerID === containerID && has.ifname === ifname
  const keep = (kept: (has: Reservation) => boolean) =>
    reservations.splice(0, reservations.length, ...reservations.filter(kept))

  switch (env["CNI_COMMAND"]) {
    case "ADD": {
      const before = reservations.find(isOurs)
      if (before !== undefined) {
        return failed(
          999,
          `failed to allocate for range 0: ${containerID} has been allocated to ${before.addresses[0]}, ` +
            "duplicate allocation is not allowed",
          cniVersion
        )
      }
      for (let n = 2; n < 255; n++) {
        const ip = addressIn(conf.ipam?.subnet ?? "10.88.0.0/24", n)
        if (reservations.some((has) => has.network === network && has.addresses.includes(ip.address))) continue
        reservations.push({ network, containerID, ifname, addresses: [ip.address] })
        return answered(cniVersion, [ip], conf.ipam?.routes)
      }
      return failed(999, "failed to allocate for range 0: no IP addresses available in range set", cniVersion)
    }
    case "DEL":
      keep((has) => !isOurs(has))
      return nothing
    case "CHECK":
      return reservations.some(isOurs)
        ? nothing
        : failed(999, `host-local: Failed to find address added by container ${containerID}`, cniVersion)
    case "GC": {
      const valid = conf["cni.dev/valid-attachments"] ?? []
      keep(
        (has) =>
          has.network !== network ||
          valid.some((one) => one.containerID === has.containerID && one.ifname === has.ifname)
      )
      return nothing
    }
    case "STATUS":
      return nothing
    case "VERSION":
      return {
        stdout: JSON.stringify({
          cniVersion: "1.1.0",
          supportedVersions: ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"]
        })
      }
    default:
      return failed(4, `unknown CNI_COMMAND: ${env["CNI_COMMAND"]}`, cniVersion)
  }
}
