/** What a client and the agent say to each other (docs/agent.md): words in packets, and texts behind them. Pure. */
import { constants } from "node:os"

/** The version of the conversation, in the first packet. */
export const conversationVersion = 1

/** The first packet of a connection. */
export type Opening =
  | {
      readonly _tag: "Call"
      /** The errno with which reading stdin failed, or 0. */
      readonly stdinErrno: number
      /** The same of opening CNI_NETNS; where it is not 0 that descriptor was not sent. */
      readonly netnsErrno: number
      /** Bytes of the environment, which is what the packet's text begins with; the rest of it is stdin. */
      readonly environment: number
      /** The last part of argv[0]. */
      readonly program: string
    }
  | { readonly _tag: "Status" }
  /** What was done in a trace (32 hex digits). */
  | { readonly _tag: "Trace"; readonly traceId: string }
  /** Words of another version, or of no conversation at all. */
  | { readonly _tag: "Unknown"; readonly problem: string }

/** What a client says after its call. */
export type Word =
  | { readonly _tag: "Delivered" }
  | { readonly _tag: "Undelivered"; readonly errno: number }
  | { readonly _tag: "Ended"; readonly status: number }
  | { readonly _tag: "Unstarted"; readonly errno: number }
  | { readonly _tag: "Stop"; readonly signal: number }

export const readOpening = (text: string): Opening => {
  const [, stdin, netns, environment, program] = callWords.exec(text) ?? []
  return program === undefined
    ? readOther(text)
    : {
        _tag: "Call",
        stdinErrno: Number(stdin),
        netnsErrno: Number(netns),
        environment: Number(environment),
        program
      }
}

const callWords = new RegExp(`^macvtap ${conversationVersion} call (\\d{1,4}) (\\d{1,4}) (\\d{1,7}) (.*)$`, "s")

const readOther = (text: string): Opening => {
  const [, version, rest] = /^macvtap (\S+) (.+)$/s.exec(text) ?? []
  if (version === undefined || rest === undefined)
    return { _tag: "Unknown", problem: "these are no words of a client's" }
  if (version !== String(conversationVersion)) {
    return { _tag: "Unknown", problem: `the agent speaks version ${conversationVersion} of the conversation` }
  }
  if (rest === "status") return { _tag: "Status" }
  const [, traceId] = /^trace ([0-9a-f]{32})$/.exec(rest) ?? []
  if (traceId !== undefined) return { _tag: "Trace", traceId }
  return { _tag: "Unknown", problem: "the agent does not know what it is asked for" }
}

/** undefined for words that no client of this version says. */
export const readWord = (text: string): Word | undefined => {
  if (text === "delivered") return { _tag: "Delivered" }
  const [, word, digits] = /^(undelivered|ended|unstarted|stop) (\d{1,9})$/.exec(text) ?? []
  const number = Number(digits)
  switch (word) {
    case "undelivered":
      return { _tag: "Undelivered", errno: number }
    case "ended":
      return { _tag: "Ended", status: number }
    case "unstarted":
      return { _tag: "Unstarted", errno: number }
    case "stop":
      return { _tag: "Stop", signal: number }
    default:
      return undefined
  }
}

export const say = {
  deliver: (status: number): string => `deliver ${status}`,
  tell: (text: string): string => `tell ${text}`,
  run: "run",
  kill: "kill",
  exit: (status: number): string => `exit ${status}`,
  refused: (why: string): string => `refused ${why}`,
  status: "status"
} as const

/** What wait(2) says of a process, as DelegateService does: `exit status 1`, `signal SIGKILL`. */
export const waitStatus = (status: number): string => {
  const signal = status & 0x7f
  if (signal === 0) return `exit status ${(status >> 8) & 0xff}`
  const name = Object.entries(constants.signals).find(([, number]) => number === signal)?.[0]
  return `signal ${name ?? signal}`
}
