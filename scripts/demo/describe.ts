/** Links and nodes in the form in which `ip -d link` and `ls -l` print them, for where those are not to be had. */
import type { Link } from "../../src/link/Link.ts"
import type { TapNode } from "../../src/services/TapService.ts"

const flags = (link: Link): string =>
  [
    link.name === "lo" ? "LOOPBACK" : "BROADCAST,MULTICAST",
    ...(link.allmulti ? ["ALLMULTI"] : []),
    ...(link.promisc ? ["PROMISC"] : []),
    ...(link.up ? ["UP"] : []),
    ...(link.running ? ["LOWER_UP"] : [])
  ].join(",")

/** `ip -d link`, as far as the plugin's own netlink reads it. */
export const describeLink = (link: Link): ReadonlyArray<string> => {
  const name = link.parent === undefined ? link.name : `${link.name}@if${link.parent.index}`
  const options = Object.entries(link.options).flatMap(([key, value]) => (`${value}` === "" ? [] : [`${key} ${value}`]))
  return [
    `${link.index}: ${name}: <${flags(link)}> mtu ${link.mtu} state ${link.running ? "UP" : "DOWN"}`,
    `    link/${link.name === "lo" ? "loopback" : "ether"} ${link.mac ?? ""} minmtu ${link.minMtu} maxmtu ${link.maxMtu}`,
    ...(link.kind === undefined ? [] : [`    ${[link.kind, ...options].join(" ")}`]),
    ...(link.alias === undefined ? [] : [`    alias ${link.alias}`])
  ]
}

/** `ls -ln`: a character device's mode, owner, group and number. */
export const describeNode = (node: TapNode): string => {
  const letters = [..."rwxrwxrwx"].map((letter, bit) => (node.mode & (0o400 >> bit) ? letter : "-")).join("")
  return `c${letters} ${node.owner} ${node.group} ${node.device.replace(":", ", ")} ${node.path}`
}
