/** The record: one answer a line, as the executable gave them before the sources were put in order. */
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { Answer } from "./replay.ts"

export const recordFile = fileURLToPath(new URL("answers.jsonl", import.meta.url))

export const recorded = (): ReadonlyArray<Answer> =>
  readFileSync(recordFile, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))
