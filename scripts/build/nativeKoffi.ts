/**
 * Stands for the package koffi in the executable: koffi's native part, the last KOFFI_SIZE bytes of it, loaded from a file
 * without a name. Bun's own way would be to write it to a file of a predictable name in /tmp.
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

type Koffi = typeof import("koffi")["default"]

/**
 * Where a file may be made and mapped as code. A pod with a read-only root has only /dev: its /dev/shm is mounted noexec, and
 * there is nothing else that can be written.
 */
const folders = ["/dev/shm", "/run", "/tmp", "/var/tmp", "/dev"]

const loadNative = (): Koffi => {
  const reasons: Array<string> = []
  for (const folder of folders) {
    let fd: number | undefined
    try {
      fd = openSync(folder, O_TMPFILE | constants.O_RDWR, 0o700)
      copyTo(fd)
      const module = { exports: {} as Koffi }
      process.dlopen(module, `/proc/self/fd/${fd}`)
      return module.exports
    } catch (error) {
      reasons.push(`${folder}: ${error instanceof Error ? error.message : error}`)
    } finally {
      if (fd !== undefined) closeSync(fd)
    }
  }
  throw new Error(`koffi's native part cannot be loaded: ${reasons.join("; ")}`)
}

let native: Koffi | undefined
const loaded = (): Koffi => {
  native ??= loadNative()
  return native
}

/** As much of koffi as src/live/system/foreign.ts uses; loaded at the first use, since not every command has one. */
export default {
  load: (library: null) => loaded().load(library),
  errno: () => loaded().errno(),
  config: (options: Parameters<Koffi["config"]>[0]) => loaded().config(options),
  address: (bytes: Uint8Array) => loaded().address(bytes)
}
