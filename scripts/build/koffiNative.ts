/**
 * Loads koffi's native part, the last KOFFI_SIZE bytes of the executable. Bun's own way would be to write it to a file of
 * a predictable name in /tmp; this is a file without a name, in a folder that takes one.
 */
import { closeSync, constants, openSync, readSync, statSync, writeSync } from "node:fs"

declare const KOFFI_SIZE: number

/** __O_TMPFILE | O_DIRECTORY. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY

const copyTo = (fd: number): void => {
  const path = "/proc/self/exe"
  const bytes = new Uint8Array(KOFFI_SIZE)
  const executable = openSync(path, constants.O_RDONLY)
  const start = statSync(path).size - KOFFI_SIZE
  for (let done = 0; done < KOFFI_SIZE; ) {
    const length = readSync(executable, bytes, done, KOFFI_SIZE - done, start + done)
    if (length === 0) throw new Error("the executable cannot be read to its end")
    done += length
  }
  closeSync(executable)
  for (let done = 0; done < KOFFI_SIZE; ) done += writeSync(fd, bytes, done)
}

export const loadNative = (): Record<PropertyKey, unknown> => {
  let reason: unknown
  for (const folder of ["/dev/shm", "/run", "/tmp", "/var/tmp"]) {
    let fd: number | undefined
    try {
      fd = openSync(folder, O_TMPFILE | constants.O_RDWR, 0o700)
      copyTo(fd)
      const module = { exports: {} }
      process.dlopen(module, `/proc/self/fd/${fd}`)
      return module.exports
    } catch (error) {
      reason = error
    } finally {
      if (fd !== undefined) closeSync(fd)
    }
  }
  throw new Error(`koffi's native part cannot be loaded: ${reason instanceof Error ? reason.message : reason}`)
}
