/** What came with a call's first packet: looked at, whether it is what it claims, before anything is done with it. */
import { fstatSync } from "node:fs"
import * as Result from "effect/Result"
import { isNetns } from "../../live/netns/NetnsLive.ts"
import { longestInput } from "../../live/process/streams.ts"
import { errnoOf } from "../../live/system/errno.ts"
import type { Packet } from "../../live/system/packets.ts"
import type { Opening } from "./conversation.ts"
import { bytesOfText } from "./texts.ts"

/** Bytes: no exec(2) takes a larger environment, and of stdin a client sends no more than shows that it is too long. */
const longestText = 4 * 1024 * 1024 + longestInput + 65536

export interface Handed {
  readonly env: Readonly<Record<string, string>>
  /** The text, or in words why it is none. */
  readonly stdin: Result.Result<string, string>
  /** Descriptors that stay the connection's to close. */
  readonly root: number
  readonly netns: number
  /** What lies at CNI_NETNS, opened with O_PATH; undefined where nothing does, which is then looked up and not found. */
  readonly container: number | undefined
}

/** What was handed over, or in words what is wrong with it. */
export const readHanded = (
  { environment, netnsErrno }: Extract<Opening, { readonly _tag: "Call" }>,
  packet: Packet
): Result.Result<Handed, string> => {
  const { descriptors } = packet
  const [root, netns, ...others] = descriptors
  const container = netnsErrno === 0 ? others.shift() : undefined
  const [file, ...more] = others
  if (root === undefined || netns === undefined || more.length > 0)
    return Result.fail(
      `a call has two descriptors, one more of CNI_NETNS and one more of a long text, not ${descriptors.length}`
    )
  if (netnsErrno === 0 && container === undefined) return Result.fail("the descriptor of CNI_NETNS is missing")
  try {
    if (!fstatSync(root).isDirectory()) return Result.fail("the root directory is no directory")
    if (!isNetns(netns)) return Result.fail("the client's network namespace is none")
    const text = bytesOfText(packet, file, longestText)
    if (environment > text.length) return Result.fail("the environment is longer than what was handed over")
    return Result.succeed({
      env: readEnvironment(decoder.decode(text.subarray(0, environment))),
      stdin: readInput(text.subarray(environment)),
      root,
      netns,
      container
    })
  } catch (thrown) {
    return Result.fail(`a descriptor cannot be used: ${errnoOf(thrown) ?? String(thrown)}`)
  }
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

/** `NAME=value` strings, each with its NUL; the first of a name counts, as with getenv(3). */
const readEnvironment = (text: string): Record<string, string> => {
  const env: Record<string, string> = Object.create(null)
  for (const entry of text.split("\0")) {
    const cut = entry.indexOf("=")
    if (cut > 0) env[entry.slice(0, cut)] ??= entry.slice(cut + 1)
  }
  return env
}

const readInput = (bytes: Uint8Array): Result.Result<string, string> =>
  bytes.length > longestInput ? Result.fail(`longer than ${longestInput} bytes`) : Result.succeed(decoder.decode(bytes))
