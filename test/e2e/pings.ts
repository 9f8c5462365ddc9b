/** A ping every ten milliseconds: what came back, what came twice, and how long nothing came. */
import { startDaemon } from "../lab/daemon.ts"
import type { TestNetns } from "../lab/netns.ts"

export interface Count {
  readonly sent: number
  readonly received: number
  readonly duplicates: number
  /** Milliseconds between two answers. */
  readonly longestGap: number
  /** Milliseconds since the last answer, at the end. */
  readonly silence: number
}

export interface Pings extends AsyncDisposable {
  readonly answered: () => number
  readonly stop: () => Promise<Count>
}

/** `[1795639123.112781] 64 bytes from 10.63.0.2: icmp_seq=7 ttl=64 time=0.4 ms (DUP!)` */
const answer = /^\[(\d+\.\d+)\] \d+ bytes from .*icmp_seq=(\d+) /

export const startPings = (from: TestNetns, address: string): Pings => {
  const command = ["netns", "exec", from.name, "ping", "-n", "-D", "-i", "0.01", "-W", "1", address]
  const ping = startDaemon("ip", command)
  const answers = () => ping.lines.flatMap((line) => answer.exec(line) ?? []).filter((_, index) => index % 3 === 1)
  return {
    answered: () => answers().length,
    stop: async () => {
      process.kill(ping.pid, "SIGINT")
      await ping.ended
      const times = answers().map((time) => Number(time) * 1000)
      const gaps = times.slice(1).map((time, index) => time - (times[index] ?? time))
      const duplicates = ping.lines.filter((line) => line.includes("DUP!")).length
      const [, sent = "0"] = /(\d+) packets transmitted/.exec(ping.lines.join("\n")) ?? []
      return {
        sent: Number(sent),
        received: times.length - duplicates,
        duplicates,
        longestGap: Math.round(Math.max(0, ...gaps)),
        silence: Math.round(Date.now() - (times.at(-1) ?? 0))
      }
    },
    [Symbol.asyncDispose]: () => ping[Symbol.asyncDispose]()
  }
}
