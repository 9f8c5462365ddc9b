/** One line of a diagnosis. */

export interface Finding {
  /** What was looked at: `kernel`, `lower device eth0`. */
  readonly check: string
  /** `note`: nothing is wrong, but a person may want to know. */
  readonly status: "fine" | "note" | "wrong"
  /** What was found, in words. */
  readonly says: string
  /** What to do about it; always there where something is wrong. */
  readonly todo?: string
}

export const fine = (check: string, says: string): Finding => ({ check, status: "fine", says })

export const note = (check: string, says: string, todo?: string): Finding => ({
  check,
  status: "note",
  says,
  ...(todo === undefined ? {} : { todo })
})

export const wrong = (check: string, says: string, todo: string): Finding => ({ check, status: "wrong", says, todo })

/** Where things are on the node that is looked at. */
export interface Site {
  /** Where the node's files are: `/`, or `/host` in a debugging container. */
  readonly root: string
  /** Folders of CNI plugins, below the root. */
  readonly plugins: ReadonlyArray<string>
  /** The folder of the runtime's network configurations. */
  readonly configurations: string
  /** The kubelet's folder of device plugins. */
  readonly kubelet: string
  /** The device plugin's state. */
  readonly state: string
}
