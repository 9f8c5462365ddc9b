/**
 * Stands in for the package koffi in the executable, whose last KOFFI_SIZE bytes are koffi's native part. Bun's own way
 * would be to write it to a file of a predictable name in /tmp, which fails where /tmp is read-only. Here the kernel
 * copies it from the executable to a file without a name, which is loaded from there: no detour through JavaScript.
 */
import type { Ffi } from "./bun.ts"

declare const KOFFI_SIZE: number

const MFD_CLOEXEC = 1
const MFD_EXEC = 0x10
const O_RDWR = 2
const O_CLOEXEC = 0o2000000
/** __O_TMPFILE | O_DIRECTORY, whose number differs. */
const O_TMPFILE = 0o20000000 | (process.arch === "arm64" ? 0o40000 : 0o200000)
const SEEK_END = 2

const text = (words: string): Uint8Array => new TextEncoder().encode(`${words}\0`)

const load = (): Record<PropertyKey, unknown> => {
  const { dlopen } = require("bun:ffi") as Ffi
  const { symbols } = dlopen("libc.so.6", {
    memfd_create: { args: ["ptr", "u32"], returns: "i32" },
    open: { args: ["ptr", "i32", "u32"], returns: "i32" },
    lseek: { args: ["i32", "i64", "i32"], returns: "i64_fast" },
    sendfile: { args: ["i32", "i32", "ptr", "u64"], returns: "i64_fast" },
    close: { args: ["i32"], returns: "i32" }
  })
  const call = (name: string, ...args: ReadonlyArray<number | Uint8Array | null>): number =>
    symbols[name]?.(...args) ?? -1

  const copyTo = (fd: number): void => {
    const executable = call("open", text("/proc/self/exe"), O_CLOEXEC, 0)
    call("lseek", executable, -KOFFI_SIZE, SEEK_END)
    for (let left = KOFFI_SIZE; left > 0; ) {
      const copied = call("sendfile", fd, executable, null, left)
      if (copied <= 0) throw new Error("the executable cannot be read to its end")
      left -= copied
    }
    call("close", executable)
  }

  const loadFrom = (fd: number): Record<PropertyKey, unknown> => {
    try {
      copyTo(fd)
      const module = { exports: {} as Record<PropertyKey, unknown> }
      process.dlopen(module, `/proc/self/fd/${fd}`)
      return module.exports
    } finally {
      call("close", fd)
    }
  }

  // Memory files first. Kernels before 6.3 do not know MFD_EXEC; vm.memfd_noexec=2 forbids executable ones.
  const nameless = [
    () => call("memfd_create", text("koffi"), MFD_CLOEXEC | MFD_EXEC),
    () => call("memfd_create", text("koffi"), MFD_CLOEXEC),
    ...["/dev/shm", "/run", "/tmp", "/var/tmp"].map(
      (folder) => () => call("open", text(folder), O_TMPFILE | O_RDWR | O_CLOEXEC, 0o700)
    )
  ]
  let reason: unknown = "the kernel gives no memory file (vm.memfd_noexec), and no folder takes one"
  for (const open of nameless) {
    const fd = open()
    if (fd < 0) continue
    try {
      return loadFrom(fd)
    } catch (error) {
      reason = error
    }
  }
  throw new Error(`koffi's native part cannot be loaded: ${reason instanceof Error ? reason.message : reason}`)
}

let native: Record<PropertyKey, unknown> | undefined

/** Loaded at the first use: a command that makes no system call of its own pays nothing for it. */
export default new Proxy(
  {},
  {
    get: (_, name) => {
      native ??= load()
      return native[name]
    }
  }
)
