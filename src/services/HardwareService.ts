/** What is known of a link's hardware: not in netlink, but in sysfs. */
import * as Context from "effect/Context"
import type { Link } from "../link/Link.ts"

export interface Hardware {
  /** It has a device of the machine behind it (PCI, virtio, USB …), unlike every link made by software. */
  readonly physical: boolean
  /** `pci`, `virtio`, `usb`, `thunderbolt` …; absent where there is no device. */
  readonly bus?: string
  /** It carries Ethernet frames (ARPHRD_ETHER): not InfiniBand, CAN, a raw IP modem, the loopback. */
  readonly ethernet: boolean
  /** A station of Wi-Fi has one MAC address; its access point drops frames of others. */
  readonly wireless: boolean
  /** NUMA nodes of the device, or of those below a bond or VLAN; empty where the machine has no such thing to say. */
  readonly numaNodes: ReadonlyArray<number>
}

/** Nothing is known, for example since the link is gone, or is not in the namespace that sysfs shows. */
export const unknownHardware: Hardware = { physical: false, ethernet: false, wireless: false, numaNodes: [] }

export class HardwareService extends Context.Service<
  HardwareService,
  {
    /** Never fails; costs some reads of sysfs. */
    readonly hardwareOf: (link: Pick<Link, "name" | "index">) => Hardware
  }
>()("macvtap-cni/services/HardwareService") {}
