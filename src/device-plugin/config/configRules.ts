/** What each key of a resource may hold. */
import * as Result from "effect/Result"
import { isResourceName, largestCapacity } from "../../devices/deviceID.ts"

export const keys = ["name", "lowerDevice", "mode", "capacity", "standalone"] as const
export type Key = (typeof keys)[number]

export const modes = ["bridge", "vepa", "private", "passthru"] as const
export const defaultCapacity = 100

/** A key's rule: the value that the entry gets, or what is wrong with the one that is there. */
export type Rule<A> = (value: unknown) => Result.Result<A, string>

export const readName: Rule<string> = (value) =>
  typeof value === "string" && isResourceName(value)
    ? Result.succeed(value)
    : Result.fail(
        "must be a name of up to 63 letters, digits, '-', '_' and '.', with a letter or digit at both its ends"
      )

const isLinkName = (value: unknown): value is string =>
  typeof value === "string" && /^[^\s/:]+$/.test(value) && (/[*?[]/.test(value) || Buffer.byteLength(value) <= 15)

export const readLowerDevice: Rule<ReadonlyArray<string>> = (value) => {
  const list = Array.isArray(value) ? value : [value]
  return list.length > 0 && list.every(isLinkName)
    ? Result.succeed(list)
    : Result.fail("must be a link's name of up to 15 bytes, a pattern (eth*, en[0-9]?), or a list of those")
}

export const readMode: Rule<string> = (value) =>
  modes.includes(value as (typeof modes)[number])
    ? Result.succeed(value as string)
    : Result.fail(`must be one of ${modes.join(", ")}`)

export const readCapacity: Rule<number> = (value) =>
  Number.isInteger(value) && (value as number) >= 1 && (value as number) <= largestCapacity
    ? Result.succeed(value as number)
    : Result.fail(`must be a whole number from 1 to ${largestCapacity}`)

export const readStandalone: Rule<boolean> = (value) =>
  typeof value === "boolean" ? Result.succeed(value) : Result.fail("must be true or false")
