import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync
} from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { delegateLive } from "../../src/live/process/DelegateLive.ts"
import { type DelegateCall, DelegateService } from "../../src/services/DelegateService.ts"
import { type Folder, makeFolder } from "../lab/folder.ts"

const folder = Effect.acquireRelease(
  Effect.promise(() => makeFolder("live-delegate")),
  (made: Folder) => Effect.promise(async () => made[Symbol.asyncDispose]())
)

/** A folder with one plugin, `fake`, that is this shell script. */
const plugin = Effect.fnUntraced(function* (script: string) {
  const { path } = yield* folder
  writeFileSync(`${path}/fake`, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return path
})

let complaints: Array<string> = []

const call = (path: string, options: Partial<DelegateCall> = {}) => {
  complaints = []
  return DelegateService.use(({ run }) =>
    run({ type: "fake", path: [path], env: { PATH: "/usr/bin:/bin" }, stdin: "", timeout: 20_000, ...options })
  ).pipe(Effect.provide(delegateLive({ tell: (text) => Effect.sync(() => void complaints.push(text)), busyDelay: 20 })))
}

const alive = (pid: string): boolean =>
  existsSync(`/proc/${pid.trim()}/stat`) && !/\) Z/.test(readFileSync(`/proc/${pid.trim()}/stat`, "utf8"))

/** Waits, two seconds at most, for the end of a process that was killed: the kernel ends a grandchild when it gets to it. */
const ends = (pid: string, tries = 200): Effect.Effect<boolean> =>
  Effect.suspend(() => (alive(pid) && tries > 0 ? Effect.delay(ends(pid, tries - 1), 10) : Effect.succeed(!alive(pid))))

/** Waits for a file that the plugin writes. */
const appears = (file: string): Effect.Effect<string> =>
  Effect.suspend(() => {
    const text = existsSync(file) ? readFileSync(file, "utf8") : ""
    return text.endsWith("\n") ? Effect.succeed(text) : Effect.delay(appears(file), 10)
  })

const openFiles = (): number => readdirSync("/proc/self/fd").length

describe("a delegate", () => {
  it.live("gets exactly the environment and stdin, and its stdout is the answer", () =>
    Effect.gen(function* () {
      const path = yield* plugin(`/usr/bin/env; cat; echo done`)
      const answer = yield* call(path, { env: { CNI_COMMAND: "ADD", PATH: "/bin" }, stdin: '{"a":"ü"}' })
      const [variables = "", rest] = answer.split("{")
      const names = variables
        .split("\n")
        .map((line) => line.split("=")[0])
        .filter((name) => name !== "" && name !== "PWD")
      assert.sameMembers(names, ["CNI_COMMAND", "PATH", ...names.filter((name) => name === "_" || name === "SHLVL")])
      assert.strictEqual(rest, '"a":"ü"}done\n')
    })
  )

  it.live("need not read stdin, nor all of it", () =>
    Effect.gen(function* () {
      const path = yield* plugin("head -c 3; exit 0")
      assert.strictEqual(yield* call(path, { stdin: "x".repeat(3_000_000) }), "xxx")
      assert.strictEqual(yield* call(yield* plugin("exec 0<&-; echo ok"), { stdin: "x".repeat(300_000) }), "ok\n")
    })
  )

  it.live("may say a lot, on both streams", () =>
    Effect.gen(function* () {
      const path = yield* plugin(
        "head -c 3000000 /dev/zero | tr '\\0' e >&2; cat; head -c 40000 /dev/zero | tr '\\0' o"
      )
      const answer = yield* call(path, { stdin: "y".repeat(1_000_000) })
      assert.strictEqual(answer, "y".repeat(1_000_000) + "o".repeat(40_000))
    })
  )

  it.live("is heard on stderr only when it succeeds, line by line, without control characters", () =>
    Effect.gen(function* () {
      yield* call(yield* plugin(`printf 'one\\n\\033[2Jtwo' >&2; echo '{}'`))
      assert.deepStrictEqual(complaints, ["one\n", "\\u001b[2Jtwo\n"])
    })
  )

  it.live("that fails is told by status, stdout and stderr", () =>
    Effect.gen(function* () {
      const failure = yield* Effect.flip(call(yield* plugin(`echo '{"code":11}'; echo why >&2; exit 3`)))
      assert.deepInclude(failure, {
        _tag: "DelegateFailed",
        type: "fake",
        status: "exit status 3",
        stdout: '{"code":11}\n',
        stderr: "why\n"
      })
      assert.deepStrictEqual(complaints, [])
      assert.deepInclude(yield* Effect.flip(call(yield* plugin("kill -9 $$"))), { status: "signal SIGKILL" })
    })
  )

  it.live("is the first regular file of its name", () =>
    Effect.gen(function* () {
      const first = (yield* folder).path
      const second = yield* plugin("echo second")
      const third = yield* plugin("echo third")
      mkdirSync(`${first}/fake`)
      assert.strictEqual(yield* call("", { path: ["", "/nosuch", first, second, third] }), "second\n")
    })
  )

  it.live("that is nowhere is not found; a path is no name", () =>
    Effect.gen(function* () {
      const path = yield* plugin("echo ran")
      for (const type of ["nosuch", "", ".", "..", `../${path.split("/").at(-1)}/fake`, "a\0b"]) {
        assert.deepInclude(yield* Effect.flip(call(path, { type })), { _tag: "DelegateNotFound", type, path: [path] })
      }
    })
  )

  it.live("that cannot be started says why", () =>
    Effect.gen(function* () {
      const path = yield* plugin("echo ran")
      chmodSync(`${path}/fake`, 0o644)
      assert.deepInclude(yield* Effect.flip(call(path)), {
        _tag: "DelegateUnusable",
        type: "fake",
        file: `${path}/fake`,
        errno: "EACCES"
      })
      const interpreter = (yield* folder).path
      writeFileSync(`${interpreter}/fake`, "#!/nosuch/interpreter\n", { mode: 0o755 })
      assert.deepInclude(yield* Effect.flip(call(interpreter)), { _tag: "DelegateUnusable", errno: "ENOENT" })
    })
  )

  it.live("that is still being written is tried again, and given up after a while", () =>
    Effect.gen(function* () {
      const path = yield* plugin("echo ran")
      const fd = openSync(`${path}/fake`, "r+")
      const busy = yield* Effect.flip(call(path))
      assert.deepInclude(busy, { _tag: "DelegateUnusable", errno: "ETXTBSY" })
      const fiber = yield* Effect.forkChild(call(path))
      yield* Effect.sleep(30)
      closeSync(fd)
      assert.strictEqual(yield* Fiber.join(fiber), "ran\n")
    })
  )

  it.live("that talks without end, or for more than 1 MiB, is killed", () =>
    Effect.gen(function* () {
      const talkative = yield* Effect.flip(call(yield* plugin("head -c 1048577 /dev/zero")))
      assert.deepInclude(talkative, { _tag: "DelegateUnusable", errno: "EFBIG" })
      const failure = yield* Effect.flip(call(yield* plugin("exec cat /dev/zero")))
      assert.deepInclude(failure, { _tag: "DelegateUnusable", errno: "EFBIG" })
    })
  )

  it.live("that hangs is killed at its time limit, with everything that it started", () =>
    Effect.gen(function* () {
      const path = yield* plugin("sleep 60 & echo $$ $! > $(dirname $0)/pids; wait")
      const began = Date.now()
      const failure = yield* Effect.flip(call(path, { timeout: 300 }))
      assert.deepInclude(failure, { _tag: "DelegateTimeout", type: "fake", timeout: 300 })
      assert.isBelow(Date.now() - began, 2000)
      for (const pid of readFileSync(`${path}/pids`, "utf8").trim().split(" ")) assert.isTrue(yield* ends(pid))
    })
  )

  it.live("is killed, and gone, when the call is interrupted", () =>
    Effect.gen(function* () {
      const path = yield* plugin("echo $$ > $(dirname $0)/pid; exec sleep 60")
      const fiber = yield* Effect.forkChild(call(path))
      const pid = yield* appears(`${path}/pid`)
      assert.isTrue(alive(pid))
      yield* Fiber.interrupt(fiber)
      assert.isFalse(alive(pid))
    })
  )

  it.live("leaves a daemon behind that holds stdout, and is not waited for", () =>
    Effect.gen(function* () {
      const path = yield* plugin("sleep 30 & echo $! > $(dirname $0)/pid; echo '{}'")
      const began = Date.now()
      assert.strictEqual(yield* call(path), "{}\n")
      assert.isBelow(Date.now() - began, 3000)
      const pid = (yield* appears(`${path}/pid`)).trim()
      assert.isTrue(alive(pid))
      process.kill(Number(pid), "SIGKILL")
    })
  )

  it.live("leaves no descriptors behind, however it ends", () =>
    Effect.gen(function* () {
      const good = yield* plugin("echo '{}'")
      const bad = yield* plugin("exit 1")
      const slow = yield* plugin("sleep 10")
      const unusable = yield* plugin("")
      chmodSync(`${unusable}/fake`, 0o644)
      const each = Effect.all([call(good), call(bad), call(slow, { timeout: 50 }), call(unusable)].map(Effect.exit), {
        discard: true
      })
      yield* each
      const before = openFiles()
      yield* each
      assert.strictEqual(openFiles(), before)
    })
  )
})
