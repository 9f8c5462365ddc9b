/** Mount namespaces, in which what is another's on this machine is neither seen nor changed. */

export interface MountOptions {
  /** What is the device plugin's state folder there; an empty one when left out. */
  readonly state?: string
  /** More shell commands, run there before the program. */
  readonly also?: ReadonlyArray<string>
}

/** Where the plugin looks for what the daemon wrote. */
const stateFolder = "/var/lib/macvtap-cni"

/** The words that run `command` where /var/lib is empty but for the state folder; by exec, so that signals reach it. */
export const inOwnMounts = (
  command: ReadonlyArray<string>,
  { state, also = [] }: MountOptions = {}
): ReadonlyArray<string> => [
  ...["unshare", "--mount", "--propagation", "slave", "sh", "-ec"],
  [
    // The test's own folders may be below what is hidden.
    ...(state === undefined ? [] : [`exec 9<"${state}"`]),
    "mount -t tmpfs none /var/lib",
    `mkdir ${stateFolder}`,
    ...(state === undefined ? [] : [`mount --bind /proc/self/fd/9 ${stateFolder}`, "exec 9<&-"]),
    ...also,
    'exec "$@"'
  ].join("\n"),
  "sh",
  ...command
]
