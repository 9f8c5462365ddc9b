/**
 * Takes the environment's power over the executable away. The runtime reads some 140 variables: to become Bun itself, to
 * load code before ours, to open a debugger, to write files. There is no switch for them, so the executable begins before
 * it: its entry point is code of our own, which takes every variable out of the environment but those that this program
 * reads or hands on, puts one there for the runtime where it is a CNI call, and jumps to the runtime's.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { copyOf } from "./copyOf.ts"
import { doorkeeper } from "./doorkeeper.ts"
import type { Architecture } from "./packages.ts"

/** What reaches the program, each with its `=` or, where all variables with that beginning do, without; see `forAgent` too. */
export const passed = [
  "CNI_",
  "PATH=",
  "PWD=",
  "TRACEPARENT=",
  "TRACESTATE=",
  "BAGGAGE=",
  "KUBERNETES_SERVICE_HOST=",
  "OTEL_",
  "DP_MACVTAP_CONF=",
  "LISTEN_PID=",
  "LISTEN_FDS=",
  "MACVTAP_"
] as const

/** The runtime knows these too, and needs them for nothing but what they are: where programs are, where a person stands. */
const harmless = new Set(["PATH=", "PWD="])

/** Offsets of ELF's header (64 bit, little endian) and of the entries of its table of segments. */
const header = { entry: 24, segments: 32, segmentSize: 54, segmentCount: 56 }
const segment = { type: 0, flags: 4, offset: 8, address: 16, physical: 24, fileSize: 32, memorySize: 40, align: 48 }
const PT_LOAD = 1
const PT_NOTE = 4
const readAndExecute = 5
/** Bytes: the largest page that a kernel for these processors may have. */
const page = 0x10000

/**
 * Variables that would reach the program and that the runtime knows as well: strings that are, or begin with, a passed
 * name. There is to be none, lest a future runtime reads one of ours.
 */
export const knownToRuntime = (runtime: Buffer): ReadonlyArray<string> =>
  passed.filter((name) => !harmless.has(name) && runtime.includes(name.replace("=", "")))

/** Puts the doorkeeper before the runtime, in place: the file grows by at most two pages of 64 KiB. */
export const closeEnvironment = (file: string, runtime: string, architecture: Architecture): void => {
  const bytes = readFileSync(runtime)
  const known = knownToRuntime(bytes)
  if (known.length > 0)
    throw new Error(`the runtime has come to know ${known.join(", ")}: look at what it does with it`)
  writeFileSync(file, withDoorkeeper(readFileSync(file), bytes, architecture))
}

/** The executable with the doorkeeper at its end, in a segment of its own that takes the place of the notes'. */
const withDoorkeeper = (executable: Buffer, runtime: Buffer, architecture: Architecture): Buffer => {
  const segments = segmentsOf(executable)
  const notes = segments.filter((at) => executable.readUInt32LE(at + segment.type) === PT_NOTE)
  const [place] = notes
  // Segments are in the order of their addresses: only the last can become the highest.
  if (place === undefined || place !== segments.at(-1)) throw new Error("the runtime's last segment is not its notes")
  const offset = upTo(page, executable.length)
  const address = upTo(page, Math.max(...segments.map((at) => endOf(executable, at))))
  const entry = Number(executable.readBigUInt64LE(header.entry))
  const code = Buffer.concat([
    doorkeeper(architecture, { entry: entry - address, environ: copyOf("environ", runtime) - address }),
    ...passed.map((name) => Buffer.from(`${name}\0`)),
    Buffer.alloc(1)
  ])
  const closed = Buffer.concat([executable, Buffer.alloc(offset - executable.length), code])
  closed.writeBigUInt64LE(BigInt(address), header.entry)
  closed.writeUInt32LE(PT_LOAD, place + segment.type)
  closed.writeUInt32LE(readAndExecute, place + segment.flags)
  for (const [field, value] of [
    [segment.offset, offset],
    [segment.address, address],
    [segment.physical, address],
    [segment.fileSize, code.length],
    [segment.memorySize, code.length],
    [segment.align, page]
  ] as const)
    closed.writeBigUInt64LE(BigInt(value), place + field)
  return closed
}

/** Where the table's entries begin. */
const segmentsOf = (executable: Buffer): ReadonlyArray<number> => {
  const table = Number(executable.readBigUInt64LE(header.segments))
  const size = executable.readUInt16LE(header.segmentSize)
  return Array.from({ length: executable.readUInt16LE(header.segmentCount) }, (_, index) => table + index * size)
}

/** The address behind a segment; 0 for what is not loaded. */
const endOf = (executable: Buffer, at: number): number =>
  executable.readUInt32LE(at + segment.type) === PT_LOAD
    ? Number(executable.readBigUInt64LE(at + segment.address) + executable.readBigUInt64LE(at + segment.memorySize))
    : 0

const upTo = (unit: number, value: number): number => Math.ceil(value / unit) * unit
