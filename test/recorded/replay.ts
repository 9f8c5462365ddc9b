/** Makes all calls, and gives what was answered. */
import { randomBytes } from "node:crypto"
import { type Group, token } from "./call.ts"
import { addresses } from "./groups/addresses.ts"
import { configuration } from "./groups/configuration.ts"
import { devices } from "./groups/devices.ts"
import { environment } from "./groups/environment.ts"
import { links } from "./groups/links.ts"
import { ofVersions } from "./groups/versions.ts"
import { makeScene } from "./scene.ts"

/** One line of the record. */
export interface Answer {
  /** `<group>: <call>`, unique. */
  readonly call: string
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export const groups: ReadonlyArray<Group> = [
  ...environment,
  ...configuration,
  ...ofVersions,
  ...links,
  ...addresses,
  ...devices
]

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const replayGroup = async (executable: string, { name, steps }: Group): Promise<ReadonlyArray<Answer>> => {
  const own = randomBytes(4).toString("hex")
  const fill = (text: string) => text.replaceAll(token, own)
  /** What is another in every run is named: the token, what follows from it, and the time of a log line. */
  const clean = (text: string) =>
    text
      .replaceAll(own, token)
      .replaceAll(/\bnumber \d+:\d+/g, "number <device>")
      .replaceAll(/\b(ifindex |\/dev\/tap)\d+/g, "$1<index>")
      .replaceAll(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z/gm, "<time>")
  await using scene = await makeScene(executable)
  const answers: Array<Answer> = []
  let added: unknown
  for (const step of steps) {
    if ("sh" in step) {
      await scene.sh(fill(typeof step.sh === "string" ? step.sh : step.sh(own)))
      continue
    }
    const { what, stdin, program = "macvtap" } = step
    const env = Object.fromEntries(Object.entries(step.env).map(([key, value]) => [key, fill(value)]))
    const input = fill(typeof stdin === "string" ? stdin : stdin(added))
    const { status, stdout, stderr } = await scene.call(program, env, input)
    if (env["CNI_COMMAND"] === "ADD" && status === 0) added = parse(stdout)
    answers.push({ call: `${name}: ${what}`, status, stdout: clean(stdout), stderr: clean(stderr) })
  }
  return answers
}

/** All groups, some at a time; in the order of `groups`. `executable` is an absolute path. */
export const replay = async (executable: string, atOnce = 3): Promise<ReadonlyArray<Answer>> => {
  const answers: Array<ReadonlyArray<Answer>> = []
  const waiting = groups.entries()
  const work = async () => {
    for (const [index, group] of waiting) answers[index] = await replayGroup(executable, group)
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return answers.flat()
}
