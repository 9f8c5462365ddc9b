/** Whatever went wrong, in one line for the log: never a stack, which is of minified code and says nothing to anybody. */
import { escapeText } from "../wire/foreign.ts"

/** Fields in which the errors of services say what they are about, in the order in which they are read. */
const fields = ["operation", "path", "link", "errno", "extack", "problem", "advice"] as const

/** `link add: EEXIST: File exists`; an error's message where it has one; its name where it has nothing to say. */
export const describeFault = (error: unknown): string => {
  if (typeof error !== "object" || error === null) return escapeText(String(error))
  const said = fields.flatMap((field) => {
    const value: unknown = Reflect.get(error, field)
    return typeof value === "string" && value !== "" ? [value] : []
  })
  if (said.length > 0) return escapeText(said.join(": "))
  const { name, message } = error as Partial<Error>
  return escapeText(message || name || "no reason was given")
}
