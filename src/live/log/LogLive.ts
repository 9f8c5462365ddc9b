/** LogService on stderr or a file. Nothing that goes wrong with a log ever fails a call. */
import { closeSync, writeSync } from "node:fs"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { type LogLevel, LogService, logLevels } from "../../services/LogService.ts"
import { escapeText, quote } from "../../wire/foreign.ts"
import { errnoOf } from "../system/errno.ts"
import { ownRoot, type Root } from "../system/root.ts"
import { openLogFile } from "./logFile.ts"

export interface LogOptions {
  /** `logFile` of the configuration; stderr when left out. */
  readonly file?: string
  /** Where `file` is; this process's root when left out. */
  readonly root?: Root
  /** The lowest level that is shown; `warning` when left out. */
  readonly level?: LogLevel
  /** Writes whole lines to stderr. */
  readonly stderr: (text: string) => void
  /** What every line begins with after its level, so that calls can be told apart: the container id. */
  readonly context: string
}

/** Longer lines are cut: a line is one write(2), so that lines of several calls do not mix. */
const maxLine = 16384

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

type Line = (time: number, level: LogLevel, text: string) => string

const lineOf =
  ({ context }: LogOptions): Line =>
  (time, level, text) => {
    const whole = escapeText(`${new Date(time).toISOString()} ${level} ${context} ${text}`)
    return `${whole.length > maxLine ? `${whole.slice(0, maxLine)} …` : whole}\n`
  }

type Write = (time: number, level: LogLevel, text: string) => void

const logThrough = (write: Write, { level: least = "warning" }: LogOptions): LogService["Service"] => {
  const threshold = logLevels.indexOf(least)
  return {
    log: (level, text) =>
      logLevels.indexOf(level) < threshold
        ? Effect.void
        : Effect.map(Clock.currentTimeMillis, (time) => write(time, level, text()))
  }
}

const writeTo = (options: LogOptions): Write => {
  const line = lineOf(options)
  const stderr = quietly(options.stderr)
  return (time, level, text) => stderr(line(time, level, text))
}

/** The log of a call without `logFile`: nothing to open, nothing to close. */
export const stderrLog = (options: LogOptions): LogService["Service"] => logThrough(writeTo(options), options)

/** The file is opened at once, so that a `logFile` that cannot be one is reported by every call. */
const fileLog = (options: LogOptions, path: string): Effect.Effect<LogService["Service"], never, Scope.Scope> =>
  Effect.gen(function* () {
    const line = lineOf(options)
    const stderr = writeTo(options)
    const file = yield* Effect.acquireRelease(
      Effect.sync(() => openLogFile(path, options.root ?? ownRoot)),
      (opened) => Effect.sync(() => "fd" in opened && closeSync(opened.fd))
    )
    if ("fault" in file) {
      stderr(
        yield* Clock.currentTimeMillis,
        "warning",
        `"logFile" ${quote(path)} is not used: ${file.fault}; it has to be an absolute path whose last ` +
          `part is "log" or ends in ".log", of a new file, an empty one or one that this plugin began, in an existing folder; logging to stderr`
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

/** The log of one call. */
export const makeLog = (options: LogOptions): Effect.Effect<LogService["Service"], never, Scope.Scope> =>
  options.file === undefined ? Effect.succeed(stderrLog(options)) : fileLog(options, options.file)

export const logLive = (options: LogOptions): Layer.Layer<LogService> => Layer.effect(LogService, makeLog(options))
