/** What came beside a call's first packet: looked at, whether it is what it claims, before anything is done with it. */
import { fstatSync } from "node:fs"
import * as Result from "effect/Result"
import { isNetns } from "../../live/netns/NetnsLive.ts"
import { readMemoryFile } from "../../live/process/memoryFile.ts"
import { longestInput } from "../../live/process/streams.ts"
import { errnoOf } from "../../live/system/errno.ts"

/** Bytes: no exec(2) takes a larger environment. */
const longestEnvironment = 4 * 1024 * 1024

export interface Handed {
  readonly env: Readonly<Record<string, string>>
  /** The text, or the errno for which it could not be read. */
  readonly stdin: Result.Result<string, string>
  /** Descriptors that stay the connection's to close. */
  readonly root: number
  readonly netns: number
  /** What lies at CNI_NETNS, opened with O_PATH; undefined where nothing does, which is then looked up and not found. */
  readonly container: number | undefined
}

/** What was handed over, or in words what is wrong with it. */
export const readDescriptors = (
  descriptors: ReadonlyArray<number>,
  hasContainer: boolean
): Result.Result<Handed, string> => {
  const [env, stdin, root, netns, container, ...more] = descriptors
  if (env === undefined || stdin === undefined || root === undefined || netns === undefined || more.length > 0) {
    return Result.fail(`a call has four or five descriptors, not ${descriptors.length}`)
  }
  if (hasContainer !== (container !== undefined))
    return Result.fail("the descriptor of CNI_NETNS is missing, or was not announced")
  try {
    if (!fstatSync(root).isDirectory()) return Result.fail("the root directory is no directory")
    if (!isNetns(netns)) return Result.fail("the client's network namespace is none")
    return Result.succeed({
      env: readEnvironment(readMemoryFile(env, longestEnvironment)),
      stdin: readText(stdin),
      root,
      netns,
      container
    })
  } catch (thrown) {
    return Result.fail(`a descriptor cannot be used: ${errnoOf(thrown) ?? String(thrown)}`)
  }
}

/** `NAME=value` strings, each with its NUL; the first of a name counts, as with getenv(3). */
const readEnvironment = (bytes: Buffer): Record<string, string> => {
  const env: Record<string, string> = Object.create(null)
  for (const entry of bytes.toString("utf8").split("\0")) {
    const cut = entry.indexOf("=")
    if (cut > 0) env[entry.slice(0, cut)] ??= entry.slice(cut + 1)
  }
  return env
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

const readText = (fd: number): Result.Result<string, string> => {
  try {
    return Result.succeed(decoder.decode(readMemoryFile(fd, longestInput)))
  } catch (thrown) {
    const errno = errnoOf(thrown)
    if (errno !== "EFBIG") throw thrown
    return Result.fail(`longer than ${longestInput} bytes`)
  }
}
