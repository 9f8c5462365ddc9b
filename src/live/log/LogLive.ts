/** Logs on stderr or in a file. Nothing that goes wrong with a log ever fails a call. */
import { closeSync, writeSync } from "node:fs"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type Log, type LogLevel, type LogOpener, type LogSettings, logLevels } from "../../services/LogService.ts"
import { escapeText, quote } from "../../wire/foreign.ts"
import { errnoOf } from "../system/errno.ts"
import { ownRoot, type Root } from "../system/root.ts"
import { openLogFile } from "./logFile.ts"

interface LogOptions extends LogSettings {
  /** Where `file` is. */
  readonly root: Root
  /** Writes whole lines to stderr. */
  readonly stderr: (text: string) => void
}

/** Longer lines are cut: a line is one write(2), so that lines of several calls do not mix. */
const maxLine = 16384

type Line = (time: number, level: LogLevel, text: string) => string

type Write = (time: number, level: LogLevel, text: string) => void

/** The logs of calls: files below `root`, or `stderr`, which writes whole lines. */
export const makeLogOpener = (stderr: (text: string) => void, root: Root = ownRoot): LogOpener["Service"] => ({
  open: (settings) => {
    const options = { ...settings, stderr, root }
    return settings.file === undefined ? Effect.succeed(stderrLog(options)) : fileLog(options, settings.file)
  }
})

/** The file is opened at once, so that a `logFile` that cannot be one is reported by every call. */
const fileLog = (options: LogOptions, path: string): Effect.Effect<Log, never, Scope.Scope> =>
  Effect.gen(function* () {
    const line = lineOf(options)
    const stderr = writeTo(options)
    const file = yield* Effect.acquireRelease(
      Effect.sync(() => openLogFile(path, options.root)),
      (opened) => Effect.sync(() => "fd" in opened && closeSync(opened.fd))
    )
    if ("fault" in file) {
      stderr(
        yield* Clock.currentTimeMillis,
        "warning",
        `"logFile" ${quote(path)} is not used: ${file.fault}; it has to be an absolute path whose last ` +
          `part is "log" or ends in ".log", without symbolic links, of a new file, an empty one or one that this plugin began, in an existing folder; logging to stderr`
      )
      return stderrLog(options)
    }
    let noted = false
    return logThrough((time, level, text) => {
      try {
        writeSync(file.fd, line(time, level, text))
      } catch (thrown) {
        if (noted) return
        noted = true
        stderr(
          time,
          "warning",
          `cannot write to "logFile" ${quote(path)}: ${errnoOf(thrown) ?? String(thrown)}; its lines are lost`
        )
      }
    }, options)
  })

/** The log of a call without `logFile`: nothing to open, nothing to close. */
const stderrLog = (options: LogOptions): Log => logThrough(writeTo(options), options)

const writeTo = (options: LogOptions): Write => {
  const line = lineOf(options)
  const stderr = quietly(options.stderr)
  return (time, level, text) => stderr(line(time, level, text))
}

const lineOf =
  ({ context }: LogOptions): Line =>
  (time, level, text) => {
    const whole = escapeText(`${new Date(time).toISOString()} ${level} ${context} ${text}`)
    return `${whole.length > maxLine ? `${whole.slice(0, maxLine)} …` : whole}\n`
  }

/** stderr can be closed, or full and non-blocking: then the words are lost, and nothing else. */
const quietly =
  (write: (text: string) => void) =>
  (text: string): void => {
    try {
      write(text)
    } catch {
      // There is nobody left to tell.
    }
  }

const logThrough = (write: Write, { level: least = "warning" }: LogOptions): Log => {
  const threshold = logLevels.indexOf(least)
  return {
    log: (level, text) =>
      logLevels.indexOf(level) < threshold
        ? Effect.void
        : Effect.map(Clock.currentTimeMillis, (time) => write(time, level, text()))
  }
}
