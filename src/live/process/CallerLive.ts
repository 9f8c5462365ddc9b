/** CallerService of a process: the caller reads its stdout and stderr. */
import * as Effect from "effect/Effect"
import { AnswerLost, type CallerService } from "../../services/CallerService.ts"
import { isAbsent, writeAll } from "./streams.ts"

const stdout = 1
const stderr = 2

/** `knowsAbsence`: whether this runtime can tell a stdout that was never given (see isAbsent). */
export const makeCaller = ({ knowsAbsence }: { readonly knowsAbsence: boolean }): CallerService["Service"] => ({
  answer: (text) =>
    knowsAbsence && isAbsent(stdout)
      ? Effect.fail(new AnswerLost({ reason: "it is closed" }))
      : Effect.try({
          try: () => writeAll(stdout, text),
          catch: (error) => new AnswerLost({ reason: (error as NodeJS.ErrnoException).code ?? String(error) })
        }),
  tell: (text) => Effect.ignore(Effect.try(() => tellPeople(text)))
})

/** Writes to stderr; throws what node:fs throws. */
export const tellPeople = (text: string): void => writeAll(stderr, text)
