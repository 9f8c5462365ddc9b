/** The judge: what `ip -j -d` says is there, never a reader of our own. */
import { must } from "./run.ts"

/** As `ip -j -d link` prints a link; the keys that tests ask for. */
export interface IpLink {
  readonly ifindex: number
  readonly ifname: string
  readonly flags: ReadonlyArray<string>
  readonly mtu: number
  readonly address: string
  readonly operstate: string
  readonly ifalias?: string
  /** The parent's name where it is in the same namespace, else link_index and link_netnsid. */
  readonly link?: string
  readonly link_index?: number
  readonly link_netnsid?: number
  readonly promiscuity: number
  readonly allmulti?: number
  readonly txqlen?: number
  readonly linkinfo?: { readonly info_kind?: string; readonly info_data?: Readonly<Record<string, unknown>> }
}

export interface IpAddress {
  readonly family: "inet" | "inet6"
  readonly local: string
  readonly prefixlen: number
  readonly scope: string
  readonly broadcast?: string
  readonly tentative?: boolean
}

export interface IpRoute {
  readonly dst: string
  readonly gateway?: string
  readonly dev?: string
  readonly table?: string
  readonly metric?: number
  readonly scope?: string
  readonly metrics?: ReadonlyArray<Readonly<Record<string, number>>>
}

const ipJson = async (netns: string | undefined, args: ReadonlyArray<string>): Promise<ReadonlyArray<unknown>> => {
  const text = await must("ip", [...(netns === undefined ? [] : ["-n", netns]), "-j", "-d", ...args])
  return text.trim() === "" ? [] : JSON.parse(text)
}

/** `ip -n <netns> -j -d link show`; the test's own namespace when undefined. */
export const ipLinks = async (netns: string | undefined): Promise<ReadonlyArray<IpLink>> =>
  (await ipJson(netns, ["link", "show"])) as ReadonlyArray<IpLink>

/** The link of that name, or undefined. */
export const ipLink = async (netns: string | undefined, name: string): Promise<IpLink | undefined> =>
  (await ipLinks(netns)).find((link) => link.ifname === name)

/** The addresses of a link, both families. */
export const ipAddresses = async (netns: string | undefined, name: string): Promise<ReadonlyArray<IpAddress>> => {
  const [link] = (await ipJson(netns, ["address", "show", "dev", name])) as ReadonlyArray<{
    readonly addr_info?: ReadonlyArray<IpAddress>
  }>
  return link?.addr_info ?? []
}

/** Unicast routes of one family, all tables but `local`. */
export const ipRoutes = async (netns: string | undefined, family: 4 | 6 = 4): Promise<ReadonlyArray<IpRoute>> =>
  ((await ipJson(netns, [`-${family}`, "route", "show", "table", "all"])) as ReadonlyArray<IpRoute>).filter(
    (route) => route.table !== "local"
  )
