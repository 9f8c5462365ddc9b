/** What system calls refuse, as values that are thrown within one synchronous step and caught at its edge. */

/** What libc refused, in the form in which node:fs throws its refusals. */
export class SystemError extends Error {
  /** The symbol: `EPERM`. */
  readonly code: string
  constructor(call: string, code: string) {
    super(`${call}: ${code}`)
    this.name = "SystemError"
    this.code = code
  }
}

/** The symbol in something that libc.ts or node:fs has thrown; undefined for anything else, which is a bug. */
export const errnoOf = (thrown: unknown): string | undefined => {
  if (thrown instanceof SystemError) return thrown.code
  if (!(thrown instanceof Error) || !("code" in thrown) || typeof thrown.code !== "string") return undefined
  // node:fs refuses a path with a NUL byte before the kernel sees it.
  if (thrown.code === "ERR_INVALID_ARG_VALUE") return "EINVAL"
  return /^E[A-Z0-9]+$/.test(thrown.code) ? thrown.code : undefined
}

/** undefined where there is nothing: ENOENT of whatever is done at a path. */
export const absent = <A>(step: () => A): A | undefined => {
  try {
    return step()
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined
    throw error
  }
}
