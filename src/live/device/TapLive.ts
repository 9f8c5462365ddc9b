/** TapService on the kernel: `/dev/tap<ifindex>`. */
import { chmodSync, chownSync, closeSync, constants, fstatSync, openSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { traced } from "../../observe/span.ts"
import { TapError, type TapNode, TapService } from "../../services/TapService.ts"
import { attempt } from "../system/attempt.ts"
import { SystemError } from "../system/errno.ts"
import { closeElsewhere, ioctl, O_CLOEXEC, O_PATH } from "../system/libc.ts"
import { type Root, statusIn } from "../system/root.ts"
import { here, type Whereabouts } from "../whereabouts.ts"
import { deviceOf, noDevice } from "./deviceNumber.ts"
import { readDeviceNumber } from "./sysfs.ts"

const SIOCGIFHWADDR = 0x8927

/**
 * Runs `step` with a path to the very node that was looked at. /dev may be shared with others who can write to it, so it
 * is held by an O_PATH descriptor, which opens no device and follows no link; ESTALE where it is another node by now.
 */
const holding = <A>(root: Root, node: TapNode, step: (path: string) => A): A => {
  const fd = root.open(node.path, O_PATH | constants.O_NOFOLLOW)
  try {
    const device = deviceOf(fstatSync(fd))
    if (device === noDevice) throw new SystemError("open", "ENODEV")
    if (device !== node.device) throw new SystemError("open", "ESTALE")
    return step(`/proc/self/fd/${fd}`)
  } finally {
    closeSync(fd)
  }
}

const readMac = (path: string): string => {
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOCTTY | O_CLOEXEC)
  try {
    // struct ifreq: 16 bytes of name, then a sockaddr: its family (2 bytes) and the address.
    const ifreq = new Uint8Array(40)
    ioctl(fd, SIOCGIFHWADDR, ifreq)
    return Array.from(ifreq.subarray(18, 24), (byte) => byte.toString(16).padStart(2, "0")).join(":")
  } finally {
    closeSync(fd)
  }
}

/** Milliseconds. By then the call is answered; closed sooner, the mount would take a processor from it. */
const soon = 3

const closeLater = (fd: number): void => void setTimeout(() => closeElsewhere(fd), soon)

const refused = (operation: string, path: string) => (errno: string) => new TapError({ operation, path, errno })

/** Taps of this kernel, with their nodes where `where` says. */
export const makeTap = ({ root, resident }: Whereabouts): TapService["Service"] => ({
  node: (ifindex) =>
    Effect.suspend(() => {
      const path = `/dev/tap${ifindex}`
      return attempt(
        (): TapNode | undefined => {
          const stats = statusIn(root, path)
          return (
            stats && { path, device: deviceOf(stats), owner: stats.uid, group: stats.gid, mode: stats.mode & 0o7777 }
          )
        },
        refused("stat", path)
      )
    }),
  deviceNumber: (netns, link) =>
    attempt(
      () => readDeviceNumber(netns, link, resident === undefined ? closeSync : closeLater),
      refused("read the device number", netns.path)
    ).pipe(traced("read the tap's device number")),
  reportedMac: (node) => attempt(() => holding(root, node, readMac), refused("ask for the MAC address", node.path)),
  give: (node, to) =>
    attempt(
      () =>
        holding(root, node, (path) => {
          chownSync(path, to.owner, to.group)
          chmodSync(path, to.mode)
        }),
      refused(`chown ${to.owner}:${to.group}`, node.path)
    )
})

export const tapLive: Layer.Layer<TapService> = Layer.succeed(TapService, makeTap(here))
