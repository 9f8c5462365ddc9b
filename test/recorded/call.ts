/** What is recorded: CNI calls in groups, each group in a scene of its own. */

export interface Call {
  /** Unique within its group. */
  readonly what: string
  readonly env: Readonly<Record<string, string>>
  /** From the result of the group's last ADD where it is a function: prevResult. */
  readonly stdin: string | ((added: unknown) => string)
  /** What the executable is called; `macvtap` when left out. */
  readonly program?: "macvtap" | "macvlan" | "macvtap-cni"
}

/** A shell script, run in the scene's host namespaces; it has to succeed. From the run's own token where it is a function. */
export interface Preparation {
  readonly sh: string | ((own: string) => string)
}

export interface Group {
  readonly name: string
  readonly steps: ReadonlyArray<Call | Preparation>
}

/**
 * Ifindexes follow from names, and /dev/tap<ifindex> is one for the machine. So names that become ifindexes have this in
 * them; it is another eight letters in every run, and these eight again in what is recorded.
 */
export const token = "tttttttt"

export const c1 = `c1-${token}`
export const c2 = `c2-${token}`

/** An object without the keys that are undefined. */
const defined = (env: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined))

/** The environment of a good call for pod c1; `more` is laid over it, undefined takes a variable away. */
export const env = (command: string, more: Readonly<Record<string, string | undefined>> = {}): Record<string, string> =>
  defined({
    CNI_COMMAND: command,
    CNI_CONTAINERID: c1,
    CNI_NETNS: "/run/netns/c1",
    CNI_IFNAME: "net1",
    CNI_PATH: "/run/ipam",
    ...more
  })

/** The environment of a good call for pod c2. */
export const env2 = (command: string): Record<string, string> =>
  env(command, { CNI_CONTAINERID: c2, CNI_NETNS: "/run/netns/c2" })

/** A good configuration; `more` is laid over it. The MAC address is given, since the kernel's own are random. */
export const conf = (more: object = {}): string =>
  JSON.stringify({
    cniVersion: "1.1.0",
    name: "lan",
    type: "macvtap",
    master: "eth0",
    mac: "02:00:00:00:00:01",
    ...more
  })

/** The same with the last ADD's result as prevResult. */
export const confAfter =
  (more: object = {}) =>
  (prevResult: unknown): string =>
    conf({ ...more, prevResult })

/** ADD, CHECK, DEL and DEL again with one configuration: a whole life. */
export const life = (what: string, more: object = {}): ReadonlyArray<Call> => [
  { what: `ADD ${what}`, env: env("ADD"), stdin: conf(more) },
  { what: `CHECK ${what}`, env: env("CHECK"), stdin: confAfter(more) },
  { what: `DEL ${what}`, env: env("DEL"), stdin: confAfter(more) },
  { what: `DEL again ${what}`, env: env("DEL"), stdin: confAfter(more) }
]

export const configured = ["ADD", "DEL", "CHECK", "GC", "STATUS"] as const

export const versions = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const
