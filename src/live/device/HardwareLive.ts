/** HardwareService from sysfs. */
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs"
import { basename } from "node:path"
import * as Layer from "effect/Layer"
import { HardwareService, unknownHardware } from "../../services/HardwareService.ts"

const ARPHRD_ETHER = 1

/** A file of sysfs holds a line; undefined where there is none, or none any more. */
const readLine = (path: string): string | undefined => {
  try {
    return readFileSync(path, "latin1").trim()
  } catch {
    return undefined
  }
}

const entriesOf = (path: string): ReadonlyArray<string> => {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

/** The device's own `numa_node`, or that of the next device above that has one: a virtio device's is its PCI parent's. */
const numaNodeOf = (folder: string): number | undefined => {
  let device: string
  try {
    device = realpathSync(`${folder}/device`)
  } catch {
    return undefined
  }
  for (; device.length > 1; device = device.slice(0, device.lastIndexOf("/"))) {
    const line = readLine(`${device}/numa_node`)
    if (line !== undefined) return Number(line) >= 0 ? Number(line) : undefined
  }
  return undefined
}

const busOf = (folder: string): string | undefined => {
  try {
    return basename(realpathSync(`${folder}/device/subsystem`))
  } catch {
    return undefined
  }
}

/** A bond's ports, and a VLAN's link, are `lower_<name>`. Each is visited once, so that no loop is one. */
const numaNodes = (net: string, name: string, seen: Set<string>): ReadonlyArray<number> => {
  if (seen.has(name)) return []
  seen.add(name)
  const folder = `${net}/${name}`
  const own = numaNodeOf(folder)
  const below = entriesOf(folder)
    .filter((entry) => entry.startsWith("lower_"))
    .flatMap((entry) => numaNodes(net, entry.slice("lower_".length), seen))
  return [...new Set(own === undefined ? below : [own, ...below])].sort((a, b) => a - b)
}

/** `sys` is where sysfs lies; another place is for tests. */
export const hardwareLive = ({ sys = "/sys" }: { readonly sys?: string } = {}): Layer.Layer<HardwareService> =>
  Layer.succeed(HardwareService, {
    hardwareOf: ({ name, index }) => {
      const net = `${sys}/class/net`
      const folder = `${net}/${name}`
      // A sysfs shows the namespace of whoever mounted it. Another namespace's link of the same name is another link.
      if (readLine(`${folder}/ifindex`) !== String(index)) return unknownHardware
      const bus = busOf(folder)
      return {
        ...(bus === undefined ? {} : { bus }),
        physical: existsSync(`${folder}/device`),
        ethernet: Number(readLine(`${folder}/type`)) === ARPHRD_ETHER,
        wireless: existsSync(`${folder}/wireless`) || existsSync(`${folder}/phy80211`),
        numaNodes: numaNodes(net, name, new Set())
      }
    }
  })
