/** A client of a test's own, that says what no real one says. */
import { closeSync, constants, openSync } from "node:fs"
import { fileOf } from "../../src/live/process/memoryFile.ts"
import { O_PATH } from "../../src/live/system/libc.ts"
import { connectTo, type Packet, receive, send } from "../../src/live/system/packets.ts"
import { until } from "../lab/run.ts"

/** A connection, and descriptors that are closed with it. */
export interface Handmade extends Disposable {
  readonly fd: number
  readonly open: (path: string, flags?: number) => number
  readonly text: (content: string) => number
}

export const connect = (socket: string): Handmade => {
  const opened = [connectTo(socket)]
  const keep = (fd: number): number => {
    opened.push(fd)
    return fd
  }
  return {
    fd: opened[0] ?? -1,
    open: (path, flags = constants.O_RDONLY) => keep(openSync(path, flags)),
    text: (content) => keep(fileOf(content)),
    [Symbol.dispose]: () => {
      for (const fd of opened) closeSync(fd)
    }
  }
}

/** What a real client sends of itself: root directory, network namespace. */
export const callDescriptors = ({ open }: Handmade): ReadonlyArray<number> => [
  open("/", O_PATH | constants.O_DIRECTORY),
  open("/proc/self/ns/net")
]

/** The texts of a call: an environment, whose length the words have, and stdin. */
export const textsOf = (env: string): string => `${env}{}`

/** A call's first packet, without a descriptor of CNI_NETNS. */
export const callPacket = (env: string): string => `macvtap 1 call 0 2 ${env.length} macvtap\0${textsOf(env)}`

export const sendCall = ({ fd }: Handmade, words: string, descriptors: ReadonlyArray<number>): void =>
  send(fd, words, descriptors)

/** The next packet of the agent's. */
export const nextPacket = async ({ fd }: Handmade): Promise<Packet | "ended"> => {
  let packet: Packet | "ended" | undefined
  await until("the agent says something", () => {
    packet ??= receive(fd)
    return packet !== undefined
  })
  return packet ?? "ended"
}
