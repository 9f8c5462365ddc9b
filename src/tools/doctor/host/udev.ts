/**
 * Rules that would rename a link, or take a tap node's owner back. They only see links of the host's namespace: those
 * that are made beforehand and imported, and those of "standalone" resources. What ADD makes is born in the container.
 */
import { join } from "node:path"
import { readFolder, readText } from "../../node/files.ts"
import { type Finding, fine, type Site, wrong } from "../Finding.ts"

/** udev(7) and systemd.link(5): a file in an earlier folder hides the one of the same name in a later one. */
const ruleFolders = [
  "etc/udev/rules.d",
  "run/udev/rules.d",
  "usr/local/lib/udev/rules.d",
  "usr/lib/udev/rules.d",
  "lib/udev/rules.d"
]

const linkFolders = [
  "etc/systemd/network",
  "run/systemd/network",
  "usr/local/lib/systemd/network",
  "usr/lib/systemd/network"
]

const check = "udev"

interface ConfigFile {
  readonly path: string
  readonly text: string
}

/** Names that links of ours have in the host's namespace. */
const ourNames = ["mvt0123456789ab", "macvtap0"]

export const udev = ({ root }: Pick<Site, "root">): ReadonlyArray<Finding> => {
  const rules = readAll(root, ruleFolders, ".rules").flatMap(({ path, text }) =>
    ruleLines(text).map(({ number, rule }) => ({ place: `${path}:${number}`, rule }))
  )
  const findings = [
    ...rules
      .filter(({ rule }) => renames(rule))
      .map(({ place }) =>
        wrong(
          check,
          `${place} would rename a macvtap that is made in the host's namespace`,
          `add ENV{DEVTYPE}!="macvtap" to the rule`
        )
      ),
    ...readAll(root, linkFolders, ".link")
      .filter(({ text }) => linkRenames(text))
      .map(({ path }) =>
        wrong(
          check,
          `${path} would rename a macvtap that is made in the host's namespace`,
          "add Kind=!macvtap to its [Match], or NamePolicy=keep"
        )
      ),
    ...rules
      .filter(({ rule }) => takesNode(rule))
      .map(({ place }) =>
        wrong(
          check,
          `${place} sets owner or mode of tap nodes, at the same time as the plugin does`,
          "remove the rule: ADD gives the node to its user"
        )
      )
  ]
  return findings.length > 0 ? findings : [fine(check, `no rule renames macvtaps (${rules.length} rules looked at)`)]
}

const readAll = (root: string, folders: ReadonlyArray<string>, ending: string): ReadonlyArray<ConfigFile> => {
  const seen = new Set<string>()
  return folders.flatMap((folder) =>
    readFolder(join(root, folder)).flatMap(({ name }) => {
      if (!name.endsWith(ending) || seen.has(name)) return []
      seen.add(name)
      return [{ path: join(root, folder, name), text: readText(join(root, folder, name)) ?? "" }]
    })
  )
}

/** Lines with their numbers; a backslash at the end joins the next. */
const ruleLines = (text: string): ReadonlyArray<{ readonly number: number; readonly rule: string }> => {
  const rules: Array<{ number: number; rule: string }> = []
  let open: { number: number; rule: string } | undefined
  for (const [index, line] of text.split("\n").entries()) {
    const current = open ?? { number: index + 1, rule: "" }
    current.rule += line.replace(/\\$/, " ")
    open = line.endsWith("\\") ? current : undefined
    if (open === undefined && !/^\s*(#|$)/.test(current.rule)) rules.push(current)
  }
  return rules
}

/**
 * `NAME="lan0"` for a net device that a macvtap can be. Rules for hardware ask for a driver or a bus, which a macvtap
 * has not; and `$env{ID_NET_NAME}` is systemd's, which leaves links alone that a program named.
 */
const renames = (rule: string): boolean => {
  const name = quoted(rule, "NAME", ":?=(?!=)")
  if (name === undefined || name === "" || name.includes("ID_NET_NAME") || name === "$name" || name === "%k")
    return false
  if (quoted(rule, "SUBSYSTEM", "==") !== "net") return false
  if (/(DRIVERS?|SUBSYSTEMS|KERNELS|ATTRS\{[^}]*\}|ENV\{ID_(PATH|BUS|VENDOR_ID)\})\s*==/.test(rule)) return false
  const type = quoted(rule, "ENV\\{DEVTYPE\\}", "==")
  if (type !== undefined && !matches(type, "macvtap")) return false
  const kernel = quoted(rule, "KERNEL", "==")
  return kernel === undefined || ourNames.some((ours) => matches(kernel, ours))
}

const takesNode = (rule: string): boolean =>
  quoted(rule, "SUBSYSTEM", "==") === "macvtap" && /(?:^|[\s,])(OWNER|GROUP|MODE)\s*:?=(?!=)/.test(rule)

const quoted = (rule: string, key: string, operator: string): string | undefined =>
  new RegExp(`(?:^|[\\s,])${key}\\s*${operator}\\s*"([^"]*)"`).exec(rule)?.[1]

/** `[Match] OriginalName=*` with a name of its own in `[Link]`. */
const linkRenames = (text: string): boolean => {
  const sections = text.split(/^\s*\[/m)
  const section = (name: string) => sections.find((part) => part.startsWith(`${name}]`)) ?? ""
  const key = (part: string, name: string) => new RegExp(`^\\s*${name}\\s*=\\s*(\\S.*?)\\s*$`, "m").exec(part)?.[1]
  const [match, link] = [section("Match"), section("Link")]
  const policy = key(link, "NamePolicy")?.split(/\s+/) ?? []
  if (policy.includes("keep") || (key(link, "Name") === undefined && !policy.includes("mac"))) return false
  if (["Driver", "Path", "PermanentMACAddress", "Property"].some((name) => key(match, name) !== undefined)) return false
  const names = key(match, "OriginalName")?.split(/\s+/)
  const kind = [key(match, "Kind"), key(match, "Type")].filter((value) => value !== undefined)
  if (kind.some((value) => !["macvtap", "ether", "*"].includes(value as string))) return false
  return names === undefined
    ? match.trim() !== "Match]"
    : names.some((name) => ourNames.some((ours) => matches(name, ours)))
}

/** The shell patterns of udev, of which `|` separates several. */
const matches = (patterns: string, text: string): boolean =>
  patterns.split("|").some((pattern) => {
    const expression = pattern
      .replaceAll(/[.+^${}()\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".")
    try {
      return new RegExp(`^${expression}$`).test(text)
    } catch {
      return false
    }
  })
