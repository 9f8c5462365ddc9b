/** What a call asks the kernel, as strace sees it: how many requests, whether any is a dump, and whether it lists folders. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect } from "../test/lab/long/report.ts"
import { type Attachment, callOf, fault, gcCall, programOf } from "./call.ts"
import { type Ended, measure, type Program } from "./spawn.ts"

export const strace = "/usr/bin/strace"

/** Of one call. */
export interface Asked {
  readonly requests: number
  /** RTM_GETLINK with NLM_F_DUMP: all links of a namespace. */
  readonly linkDumps: number
  /** Other RTM_GET… with NLM_F_DUMP: of addresses or routes, which cannot be asked for in another way. */
  readonly otherDumps: number
  /** getdents64: folders listed, `/sys/class/net` or `/dev` among them. */
  readonly listings: number
}

/** NLM_F_ROOT | NLM_F_MATCH. */
const NLM_F_DUMP = 0x300
const RTM_GETLINK = 18
/** Types come in fours: NEW, DEL, GET, SET. */
const isGet = (type: number): boolean => type >= 16 && type % 4 === 2

const traced = (
  folder: string,
  executable: string,
  call: Omit<Program, "command">
): Ended & { readonly asked: Asked } => {
  const file = join(folder, "strace")
  // Numbers instead of names: strace has none for the requests of a thread that has left its namespace.
  const options = ["-f", "-qq", "-X", "raw", "-e", "trace=sendto,sendmsg,getdents64", "-o", file]
  const ended = measure(folder, { ...call, command: [strace, ...options, executable] })
  const lines = readFileSync(file, "utf8").split("\n")
  const headers = lines.flatMap((line) => {
    const found = /\b(?:sendto|sendmsg)\(.*?nlmsg_type=(\w+).*?, nlmsg_flags=(\w+)/.exec(line)
    return found === null ? [] : [{ type: Number(found[1]), flags: Number(found[2]) }]
  })
  const dumps = headers.filter(({ type, flags }) => isGet(type) && (flags & NLM_F_DUMP) === NLM_F_DUMP)
  const linkDumps = dumps.filter(({ type }) => type === RTM_GETLINK).length
  return {
    ...ended,
    asked: {
      requests: headers.length,
      linkDumps,
      otherDumps: dumps.length - linkDumps,
      listings: lines.filter((line) => /\bgetdents64\(/.test(line)).length
    }
  }
}

/** ADD, CHECK and DEL under strace: throws where one of them dumps links or lists a folder. */
export const traceCalls = (folder: string, executable: string, attachment: Attachment) => {
  // A call of an earlier step that was killed may have left its claim on the number that comes next: whoever gets that looks
  // for its namespace among all that there are.
  for (const command of ["ADD", "DEL"] as const)
    measure(folder, programOf(executable, callOf(command, "macvtap", attachment)))
  let result: string | undefined
  const trace = (command: "ADD" | "CHECK" | "DEL"): Asked => {
    const ended = traced(folder, executable, callOf(command, "macvtap", attachment, result))
    const wrong = fault(command, ended)
    expect(`under strace ${wrong}`, wrong === undefined)
    if (command === "ADD") result = ended.stdout
    const { requests, linkDumps, listings } = ended.asked
    expect(`${command} asks the kernel for something`, requests > 0, ended.asked)
    expect(`${command} dumps no links`, linkDumps === 0, ended.asked)
    expect(`${command} lists no folder`, listings === 0, ended.asked)
    return ended.asked
  }
  return { ADD: trace("ADD"), CHECK: trace("CHECK"), DEL: trace("DEL") }
}

/** GC has to look at all links of a namespace: what it asks shows that a dump would have been seen. */
export const traceGc = (folder: string, executable: string, valid: ReadonlyArray<Attachment>): Asked => {
  const { asked, status, stdout } = traced(folder, executable, gcCall(valid))
  expect(`GC answers ${stdout}`, status === 0)
  expect("a dump is seen where there is one", asked.linkDumps > 0, asked)
  return asked
}
