/** `/proc/sys/net` of a namespace, as far as network plugins look. */
import { refuse } from "../kernel/Refusal.ts"
import type { LinkState, NetnsState } from "../kernel/state.ts"

/** Keys of a link's folder and their defaults. */
const linkDefaults: Readonly<Record<string, string>> = {
  "ipv4/accept_local": "0",
  "ipv4/arp_announce": "0",
  "ipv4/arp_filter": "0",
  "ipv4/arp_ignore": "0",
  "ipv4/arp_notify": "0",
  "ipv4/forwarding": "0",
  "ipv4/proxy_arp": "0",
  "ipv4/rp_filter": "0",
  "ipv6/accept_dad": "1",
  "ipv6/accept_ra": "1",
  "ipv6/addr_gen_mode": "0",
  "ipv6/autoconf": "1",
  "ipv6/dad_transmits": "1",
  "ipv6/disable_ipv6": "0",
  "ipv6/forwarding": "0",
  "ipv6/keep_addr_on_down": "0",
  "ipv6/ndisc_notify": "0"
}

/** RFC 8200, 5: IPv6 needs an MTU of at least so much. */
const IPV6_MIN_MTU = 1280

/** Whether IPv6 packets fit through the link. */
export const fitsIpv6 = ({ mtu }: LinkState): boolean => mtu >= IPV6_MIN_MTU

/** IPv6 knows no link with a smaller MTU (but loopback): there is not even the folder of its sysctls. */
export const hasIpv6 = (link: LinkState): boolean => link.loopback || fitsIpv6(link)

interface Place {
  readonly store: Map<string, string>
  readonly key: string
  readonly fallback: string
}

const locate = (netns: NetnsState, key: string): Place => {
  const [, family = "", scope = "", name = ""] = /^net\/(ipv[46])\/conf\/([^/]+)\/([^/]+)$/.exec(key) ?? []
  const fallback = linkDefaults[`${family}/${name}`] ?? refuse("ENOENT")
  if (scope === "all" || scope === "default") return { store: netns.sysctls, key, fallback }
  const link = [...netns.links.values()].find((link) => link.name === scope)
  if (link === undefined || (family === "ipv6" && !hasIpv6(link))) return refuse("ENOENT")
  // IPv4 follows a default that changes later, IPv6 has its copy.
  const inherited = (family === "ipv4" ? netns.sysctls.get(`net/ipv4/conf/default/${name}`) : undefined) ?? fallback
  return { store: link.sysctls, key: `${family}/${name}`, fallback: inherited }
}

export const readSysctl = (netns: NetnsState, key: string): string => {
  const { store, key: own, fallback } = locate(netns, key)
  return store.get(own) ?? fallback
}

/** Whether IPv6 is switched on for the link. */
export const ipv6Enabled = (link: LinkState): boolean =>
  hasIpv6(link) && readSysctl(link.netns, `net/ipv6/conf/${link.name}/disable_ipv6`) === "0"

const write = ({ store, key, fallback }: Place, value: string): void => {
  if (value === fallback) store.delete(key)
  else store.set(key, value)
}

/** Writes it; the kernel takes decimal numbers only. */
export const writeSysctl = (netns: NetnsState, key: string, value: string): void => {
  const place = locate(netns, key)
  if (!/^\s*-?\d+\s*$/.test(value)) refuse("EINVAL")
  const number = String(Number(value))
  write(place, number)
  if (key !== "net/ipv6/conf/all/disable_ipv6") return
  // "all" sets the default and each link's too.
  const links = [...netns.links.values()].filter(hasIpv6).map(({ name }) => name)
  for (const scope of ["default", ...links]) write(locate(netns, key.replace("/all/", `/${scope}/`)), number)
}

/** A link that gets IPv6 copies the defaults of that moment. */
export const copyIpv6Defaults = (link: LinkState): void => {
  for (const name of Object.keys(linkDefaults).filter((key) => key.startsWith("ipv6/"))) {
    const value = link.netns.sysctls.get(`net/ipv6/conf/default/${name.slice("ipv6/".length)}`)
    if (value !== undefined) link.sysctls.set(name, value)
  }
}
