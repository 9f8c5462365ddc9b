/**
 * Functions of the C library, called through Bun's own foreign functions: declared in 10 µs each, where koffi's native
 * part takes milliseconds to load. They need the runtime's JIT, which the kernel can forbid (SELinux' execmem): there is
 * no `call` then, and what is built on it does without.
 */
import { errnoName } from "../../src/wire/errno.ts"
import { Bun, type Ffi } from "./bun.ts"

/** What `dlopen` calls the C types that are used here. */
const typeNames = {
  int: "i32",
  uint: "u32",
  long: "i64_fast",
  ulong: "u64_fast",
  size_t: "u64_fast",
  str: "ptr",
  "void *": "ptr"
} as const
export type CType = keyof typeof typeNames

export type Argument = number | bigint | string | NodeJS.TypedArray | null
export type Native = (...args: ReadonlyArray<Argument>) => number

const encoder = new TextEncoder()

/** Texts as bytes with a NUL at their end, for a function that knows only pointers. */
const takingTexts =
  (native: Native): Native =>
  (...given) => {
    const args: Array<Argument> = []
    for (const argument of given) args.push(typeof argument === "string" ? encoder.encode(`${argument}\0`) : argument)
    return native(...args)
  }

export interface Library {
  /** A function by its name, with the C types of its arguments and of its result. */
  readonly func: (name: string, result: CType, types: ReadonlyArray<CType>) => Native
  /** Of the last call that failed: nothing else is called between the two. */
  readonly errno: () => number
}

const open = (): Library => {
  // What bun:ffi is made of, without the half millisecond that its JavaScript takes.
  const { dlopen, read } = Bun.FFI ?? (require("bun:ffi") as Ffi)
  const symbol = (name: string, returns: string, args: ReadonlyArray<string>): Native => {
    const opened = dlopen("libc.so.6", { [name]: { args, returns } })
    if (opened instanceof Error) throw opened
    return opened.symbols[name] as Native
  }
  const place = symbol("__errno_location", "ptr", [])()
  return {
    func: (name, result, types) => {
      const args: Array<string> = []
      for (const type of types) args.push(typeNames[type])
      const native = symbol(name, typeNames[result], args)
      return types.includes("str") ? takingTexts(native) : native
    },
    errno: () => read.i32(place, 0)
  }
}

/** undefined where the runtime has no JIT. */
export const libc: Library | undefined = (() => {
  try {
    return open()
  } catch {
    return undefined
  }
})()

/** `name` of libc, declared at its first call; throws as node:fs does where the result is negative. */
export const declare = (
  { func, errno }: Library,
  name: string,
  types: ReadonlyArray<CType>,
  result: CType = "int"
): Native => {
  let native: Native | undefined
  return (...args) => {
    native ??= func(name, result, types)
    for (;;) {
      const value = native(...args)
      if (value >= 0) return value
      const code = errnoName(errno())
      // A descriptor is closed, whatever close(2) answers.
      if (code !== "EINTR" || name === "close")
        throw Object.assign(new Error(`${code}: ${name}`), { code, syscall: name })
    }
  }
}
