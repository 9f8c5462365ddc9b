/**
 * Functions of the C library by their names: the only file that knows koffi. A function is looked up when it is first
 * called (10 to 40 µs each), so that a command pays for what it uses.
 */
import koffi from "koffi"
import { errnoName } from "../../wire/errno.ts"
import { SystemError } from "./errno.ts"

export type Argument = number | bigint | string | NodeJS.TypedArray | ReadonlyArray<string | null> | null

/** What a call returns: `int`, or `long` for sizes. */
type Result = "int" | "long"

/**
 * What koffi keeps for each call that waits. Ours have a handful of arguments; it would set 256 KiB aside for each, and
 * take no more than 256 of them.
 */
const waitingCalls = {
  async_stack_size: 64 * 1024,
  async_heap_size: 64 * 1024,
  resident_async_pools: 16,
  max_async_calls: 4096
}

let library: ReturnType<typeof koffi.load> | undefined
const libc = () => {
  if (library === undefined) {
    koffi.config(waitingCalls)
    library = koffi.load(null)
  }
  return library
}

const lookUp = (name: string, types: ReadonlyArray<string>, result: Result) => {
  let native: ReturnType<ReturnType<typeof koffi.load>["func"]> | undefined
  return () => {
    native ??= libc().func(name, result, [...types])
    return native
  }
}

const checked = (name: string, value: number): number => {
  if (value < 0) throw new SystemError(name, errnoName(koffi.errno()))
  return value
}

/** `name` of libc with the C types of its arguments. Throws a SystemError where it answers a negative number. */
export const declare = (name: string, types: ReadonlyArray<string>, result: Result = "int") => {
  const native = lookUp(name, types, result)
  return (...args: ReadonlyArray<Argument>): number => checked(name, native()(...args))
}

/**
 * As `declare`, but a refusal in `expected`, which is nothing special, is answered with undefined: an error that is thrown
 * costs ten times what the call does. After a signal (EINTR) the call is made again.
 */
export const declareExpecting = (
  expected: ReadonlyArray<string>,
  name: string,
  types: ReadonlyArray<string>,
  result: Result = "int"
) => {
  const native = lookUp(name, types, result)
  return (...args: ReadonlyArray<Argument>): number | undefined => {
    for (;;) {
      const value: number = native()(...args)
      if (value >= 0) return value
      const errno = errnoName(koffi.errno())
      if (expected.includes(errno)) return undefined
      if (errno !== "EINTR") throw new SystemError(name, errno)
    }
  }
}

/**
 * As `declare`, on a thread of the pool, for calls that wait in the kernel: this thread goes on meanwhile (a hop costs 15 µs).
 * The arguments' bytes must stay as they are until it is done. `done` is called with what was answered, or with what `declare`
 * would have thrown.
 */
export const declareAside = (name: string, types: ReadonlyArray<string>, result: Result = "int") => {
  const native = lookUp(name, types, result)
  return (done: (value: number | undefined, thrown: unknown) => void, ...args: ReadonlyArray<Argument>): void => {
    native().async(...args, (error: unknown, value: number) => {
      let answer: number | undefined
      let thrown = error
      if (!error) {
        try {
          answer = checked(name, value)
        } catch (refusal) {
          thrown = refusal
        }
      }
      done(answer, thrown)
    })
  }
}

/** The same with a promise. */
export const declareWaiting = (name: string, types: ReadonlyArray<string>, result: Result = "int") => {
  const aside = declareAside(name, types, result)
  return (...args: ReadonlyArray<Argument>): Promise<number> =>
    new Promise((resolve, reject) => {
      aside((value, thrown) => (value === undefined ? reject(thrown) : resolve(value)), ...args)
    })
}

/** Where the bytes lie, for structures that hold pointers; they must have an ArrayBuffer of their own, and outlive the call. */
export const addressOf = (bytes: Uint8Array<ArrayBuffer>): bigint => koffi.address(bytes)
