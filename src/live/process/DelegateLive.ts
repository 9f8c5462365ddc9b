/** DelegateService on real processes. */
import { closeSync, fstatSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import {
  type DelegateCall,
  DelegateFailed,
  DelegateNotFound,
  DelegateService,
  DelegateTimeout,
  DelegateUnusable
} from "../../services/DelegateService.ts"
import { escapeText } from "../../wire/foreign.ts"
import { O_PATH } from "../system/libc.ts"
import type { Root } from "../system/root.ts"
import { here, type Whereabouts } from "../whereabouts.ts"
import { delegateEnvironment } from "./environment.ts"

export interface DelegateOptions {
  /** Where plugins are, and what starts them; this process when left out. */
  readonly where?: Whereabouts
  /** Says whole lines to people. */
  readonly tell: (text: string) => Effect.Effect<void>
  /** Milliseconds between two tries to start a program that is just being written (ETXTBSY); 1000 when left out. */
  readonly busyDelay?: number
}

/** A plugin being installed while it is called: tried this often in all, as libcni does. */
const busyTries = 6

export const delegateLive = (options: DelegateOptions): Layer.Layer<DelegateService> =>
  Layer.succeed(DelegateService, makeDelegate(options))

/** Plugins of CNI_PATH, as processes of their own. */
export const makeDelegate = (options: DelegateOptions): DelegateService["Service"] => {
  const { where = here } = options
  const run = Effect.fnUntraced(function* (call: DelegateCall) {
    const { type } = call
    const file = find(call, where)
    if (file === undefined) return yield* new DelegateNotFound({ type, path: call.path })
    // Only calls with IPAM pay for child processes.
    const { runProcess, startHere } = yield* Effect.promise(() => import("./process.ts"))
    const begin = where.start ?? startHere
    const start = (tries: number): ReturnType<typeof runProcess> =>
      Effect.flatMap(runProcess(file, { stdin: call.stdin, env: delegateEnvironment(call.env) }, begin), (outcome) =>
        outcome._tag === "Refused" && outcome.errno === "ETXTBSY" && tries > 1
          ? Effect.delay(
              Effect.suspend(() => start(tries - 1)),
              options.busyDelay ?? 1000
            )
          : Effect.succeed(outcome)
      )
    const outcome = yield* start(busyTries)
    if (outcome._tag === "Refused") return yield* new DelegateUnusable({ type, file, errno: outcome.errno })
    if (outcome.status !== "exit status 0") return yield* new DelegateFailed({ type, ...outcome })
    for (const line of outcome.stderr.split("\n")) {
      if (line !== "") yield* options.tell(`${escapeText(line)}\n`)
    }
    return outcome.stdout
  })
  return {
    run: (call) =>
      Effect.timeoutOrElse(run(call), {
        duration: call.timeout,
        orElse: () => Effect.fail(new DelegateTimeout({ type: call.type, timeout: call.timeout }))
      })
  }
}

/** The first regular file of that name in the folders of CNI_PATH; an empty folder name is none. */
const find = ({ type, path }: DelegateCall, { root }: Whereabouts): string | undefined => {
  if (type === "" || type.includes("/") || type.includes("\0")) return undefined
  return path
    .filter((folder) => folder !== "")
    .map((folder) => `${folder}/${type}`)
    .find((file) => {
      try {
        return isFile(root, file)
      } catch {
        return false
      }
    })
}

const isFile = (root: Root, path: string): boolean => {
  const fd = root.open(path, O_PATH)
  try {
    return fstatSync(fd).isFile()
  } finally {
    closeSync(fd)
  }
}
