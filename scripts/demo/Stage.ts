/** Where the story of the demo is played: on this machine's kernel, or on the one in memory. */

/** What a person types, and what then is on the screen. */
export interface Seen {
  readonly typed: string
  readonly lines: ReadonlyArray<string>
}

export interface Call {
  readonly command: "ADD" | "CHECK" | "DEL"
  /** The variables that the runtime sets. */
  readonly env: Readonly<Record<string, string>>
  readonly config: object
}

export interface Answer {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
  readonly milliseconds: number
}

export interface Stage {
  /** How the plugin is called. */
  readonly program: string
  /** CNI_PATH. */
  readonly pluginPath: string
  /** What a call's time is the time of. */
  readonly timed: string
  /** The container's namespace; `ns1` as a path. */
  readonly netns: string
  /** Makes the namespaces and the veth. */
  readonly prepare: () => Promise<ReadonlyArray<Seen>>
  /** `ip link add link eth0 name <name> type macvtap mode bridge` on the host. */
  readonly makeDevice: (name: string) => Promise<Seen>
  /** The links in the container. */
  readonly look: () => Promise<Seen>
  /** The ifindex of that link in the container. */
  readonly ifindex: (name: string) => Promise<number | undefined>
  readonly tapNode: (ifindex: number) => Promise<Seen>
  readonly call: (call: Call) => Promise<Answer>
  /** The same call, and on stderr where its time went. */
  readonly trace: (call: Call) => Promise<Answer>
  /** The way that a node goes: an agent, and the client that hands calls to it; or why there is none here. */
  readonly resident: Resident | string
}

export interface Resident {
  /** The client, as it is called. */
  readonly program: string
  /** Starts the agent; why it cannot be, where that is so (in a user namespace there is none). */
  readonly start: () => Promise<Seen | string>
  readonly call: (call: Call) => Promise<Answer>
  readonly trace: (call: Call) => Promise<Answer>
}
