/** What a standalone device's link says of itself: the alias that the device plugin gives it. */
import type { Link } from "../link/Link.ts"

/** No alias of an attachment, which ADD would refuse to import. */
const prefix = "macvtap-device-plugin:"

/** `macvtap-device-plugin:dataplaneMvp3`. */
export const standaloneAlias = (deviceID: string): string => `${prefix}${deviceID}`

/** The device that a link of the host is; undefined for links that are none of ours. */
export const standaloneDevice = (link: Pick<Link, "kind" | "alias">): string | undefined =>
  link.kind === "macvtap" && link.alias?.startsWith(prefix) === true ? link.alias.slice(prefix.length) : undefined
