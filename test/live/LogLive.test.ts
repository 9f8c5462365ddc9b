import { execFileSync } from "node:child_process"
import { chownSync, linkSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { makeLogOpener } from "../../src/live/log/LogLive.ts"
import { logHeader } from "../../src/live/log/logFile.ts"
import { type Log, type LogLevel, type LogSettings, logLevels } from "../../src/services/LogService.ts"
import { type Folder, makeFolder } from "../lab/folder.ts"

/** Does something with a log of its own. */
const withLog = <A>(
  settings: Omit<LogSettings, "context">,
  stderr: (text: string) => void,
  use: (log: Log) => Effect.Effect<A>
): Effect.Effect<A> =>
  makeLogOpener(stderr)
    .open({ ...settings, context: "c1" })
    .pipe(Effect.flatMap(use), Effect.scoped)

/** What stderr gets from a log that is given these lines. */
const logged = (
  settings: Omit<LogSettings, "context">,
  lines: ReadonlyArray<readonly [LogLevel, string]> = [["error", "text"]]
): Effect.Effect<string> =>
  Effect.suspend(() => {
    const stderr: Array<string> = []
    return withLog(
      settings,
      (text) => void stderr.push(text),
      ({ log }) => Effect.forEach(lines, ([level, line]) => log(level, () => line))
    ).pipe(Effect.map(() => stderr.join("")))
  })

/** A folder for the length of the test. */
const folder: Effect.Effect<Folder, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(() => makeFolder("live-log")),
  (made) => Effect.promise(async () => made[Symbol.asyncDispose]())
)

/** Times are the test clock's: it stands at its beginning. */
const line = (level: LogLevel, text: string): string => `1970-01-01T00:00:00.000Z ${level} c1 ${text}\n`

describe("the level", () => {
  const all = logLevels.map((level) => [level, `of ${level}`] as const)

  it.effect("is warning where nothing is configured", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* logged({}, all), line("warning", "of warning") + line("error", "of error"))
    })
  )

  it.effect("shows itself and what is worse", () =>
    Effect.gen(function* () {
      for (const [i, level] of logLevels.entries()) {
        const expected = logLevels.slice(i).map((shown) => line(shown, `of ${shown}`))
        assert.strictEqual(yield* logged({ level }, all), expected.join(""))
      }
    })
  )

  it.effect("spares the making of lines that are not shown", () =>
    withLog(
      {},
      () => {},
      ({ log }) => log("info", () => assert.fail("made a line that nobody reads"))
    )
  )
})

describe("a line", () => {
  it.effect("stays one line, whatever the text holds", () =>
    Effect.gen(function* () {
      const hostile = "a\nb\r\u001b[2Jc\u0000\u009b\u2028\u202e\ud800é😀\t"
      assert.strictEqual(
        yield* logged({}, [["error", hostile]]),
        line("error", "a\\nb\\r\\u001b[2Jc\\u0000\\u009b\\u2028\\u202e\\ud800é😀\\t")
      )
    })
  )

  it.effect("is cut where it is very long", () =>
    Effect.gen(function* () {
      const text = yield* logged({}, [["error", "x".repeat(1_000_000)]])
      assert.isBelow(text.length, 20_000)
      assert.isTrue(text.endsWith("x …\n"))
    })
  )

  it.effect("is lost without harm where stderr is closed", () =>
    withLog(
      {},
      () => {
        throw Object.assign(new Error("write"), { code: "EPIPE" })
      },
      ({ log }) => log("error", () => "text")
    )
  )
})

describe("the file", () => {
  it.effect("begins with a header, is private, and gets the lines of one call after another", () =>
    Effect.gen(function* () {
      const { path } = yield* folder
      for (const name of ["log", "plugin.log"]) {
        const file = `${path}/${name}`
        assert.strictEqual(yield* logged({ file }), "")
        assert.strictEqual(yield* logged({ file, level: "debug" }, [["debug", "more"]]), "")
        assert.strictEqual(readFileSync(file, "utf8"), logHeader + line("error", "text") + line("debug", "more"))
        assert.strictEqual(statSync(file).mode & 0o777, 0o600)
      }
    })
  )

  it.effect("may be there empty, as an administrator made it", () =>
    Effect.gen(function* () {
      const { path } = yield* folder
      writeFileSync(`${path}/a.log`, "", { mode: 0o644 })
      assert.strictEqual(yield* logged({ file: `${path}/a.log` }), "")
      assert.strictEqual(readFileSync(`${path}/a.log`, "utf8"), logHeader + line("error", "text"))
    })
  )

  it.effect("that cannot be a log is refused in words, and the lines go to stderr", () =>
    Effect.gen(function* () {
      const { path } = yield* folder
      const at = (name: string): string => `${path}/${name}`
      mkdirSync(at("folder.log"))
      mkdirSync(at("sub"))
      execFileSync("mkfifo", [at("fifo.log")])
      writeFileSync(at("other.log"), "somebody else's\n")
      writeFileSync(at("short.log"), logHeader.slice(0, 5))
      writeFileSync(at("target.log"), "")
      symlinkSync("target.log", at("link.log"))
      symlinkSync("nosuch.log", at("dangling.log"))
      symlinkSync("sub", at("way"))
      writeFileSync(at("hard.log"), "")
      linkSync(at("hard.log"), at("hard2.log"))
      const faults: Record<string, string> = {
        "plugin.log": "it is not absolute",
        "": "it is not absolute",
        [at("sub/../a.log")]: 'it holds ".."',
        [at("a\0.log")]: "it holds a NUL byte",
        "/etc/passwd": "its last part is neither",
        [at(".log")]: "its last part is neither",
        [at("log/")]: "its last part is neither",
        [at("nosuch/a.log")]: "ENOENT",
        [at("folder.log")]: "EISDIR",
        [at("fifo.log")]: "it is not a regular file",
        [at("other.log")]: "it holds something else than our log",
        [at("short.log")]: "it holds something else than our log",
        [at("link.log")]: "a part of it is a symbolic link, or no folder (ELOOP)",
        [at("dangling.log")]: "a part of it is a symbolic link, or no folder (ELOOP)",
        [at("way/a.log")]: "a part of it is a symbolic link, or no folder (ENOTDIR)",
        [at("other.log/a.log")]: "a part of it is a symbolic link, or no folder (ENOTDIR)",
        [at("hard.log")]: "it has 2 links"
      }
      for (const [file, fault] of Object.entries(faults)) {
        const [warning = "", entry, rest] = (yield* logged({ file })).split("\n")
        assert.include(
          warning,
          `warning c1 "logFile" ${JSON.stringify(file).replaceAll("\\", "\\")} is not used: ${fault}`
        )
        assert.strictEqual(`${entry}\n`, line("error", "text"))
        assert.strictEqual(rest, "")
      }
      assert.strictEqual(readFileSync(at("other.log"), "utf8"), "somebody else's\n")
      assert.strictEqual(statSync(at("target.log")).size + statSync(at("hard.log")).size, 0)
    })
  )

  it.effect.skipIf(process.getuid?.() !== 0)("of another user is not used", () =>
    Effect.gen(function* () {
      const { path } = yield* folder
      writeFileSync(`${path}/a.log`, logHeader)
      chownSync(`${path}/a.log`, 107, 107)
      assert.include(yield* logged({ file: `${path}/a.log` }), "it belongs to user 107")
      assert.strictEqual(readFileSync(`${path}/a.log`, "utf8"), logHeader)
    })
  )
})
