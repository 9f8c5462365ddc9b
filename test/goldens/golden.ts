/** Reads goldens: what `ip` and the kernel said to each other, as scripts/record-goldens.ts has recorded it. */
import { readdirSync, readFileSync } from "node:fs"
import { decode, type Message } from "../../src/netlink/message.ts"

export interface Golden {
  readonly name: string
  readonly command: string
  readonly sent: ReadonlyArray<Message>
  readonly received: ReadonlyArray<Message>
  /** Every datagram, of either direction. */
  readonly datagrams: ReadonlyArray<Uint8Array>
  /** What the command printed, where that is JSON: rows of `ip -j`. */
  readonly says: ReadonlyArray<Row>
}

/** A row of `ip -j -d`. */
export type Row = Readonly<Record<string, unknown>>

interface File {
  readonly command: string
  readonly exchange: ReadonlyArray<{ readonly sent?: string; readonly received?: string }>
  readonly says?: ReadonlyArray<Row>
}

const bytes = (hex: string | undefined): ReadonlyArray<Uint8Array> =>
  hex === undefined ? [] : [Uint8Array.from(Buffer.from(hex, "hex"))]

/** The question by which `ip` finds out what this kernel can: a change of no link, always refused. */
const isFeatureProbe = (message: Message): boolean => message.sequence === 0

/** `ip` and whatever it asks on the side; its feature probe is left out of `sent` and `received`. */
export const golden = (name: string): Golden => {
  const file: File = JSON.parse(readFileSync(new URL(`${name}.json`, import.meta.url), "utf8"))
  const messages = (hex: string | undefined): ReadonlyArray<Message> =>
    bytes(hex)
      .flatMap(decode)
      .filter((message) => !isFeatureProbe(message))
  return {
    name,
    command: file.command,
    sent: file.exchange.flatMap(({ sent }) => messages(sent)),
    received: file.exchange.flatMap(({ received }) => messages(received)),
    datagrams: file.exchange.flatMap(({ received, sent }) => [...bytes(sent), ...bytes(received)]),
    says: file.says ?? []
  }
}

/** All that there are, by name. */
export const goldenNames: ReadonlyArray<string> = readdirSync(new URL(".", import.meta.url))
  .filter((file) => file.endsWith(".json"))
  .map((file) => file.slice(0, -".json".length))
  .sort()

/** The request of a type that the command sent, the last of several. */
export const request = ({ name, sent }: Golden, type: number): Message => {
  const last = sent.findLast((message) => message.type === type)
  if (last === undefined) throw new Error(`${name} has no request of type ${type}`)
  return last
}
