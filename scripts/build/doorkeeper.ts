/**
 * The first instructions of the executable, for each architecture: they shorten the environment in place, on the stack
 * where the kernel put it, to the entries that begin with a name of the list behind the code, and go on to where the
 * runtime begins. Where the executable has no arguments, as in a CNI call, the list is shorter, and they put a variable of
 * our own there, for which they move all that is before it. The dynamic linker has run by then; its registers are as it left them.
 *
 * A line is an instruction, as bytes and in words; test/project/environment.test.ts has an assembler compare the two.
 */

import { engine } from "../../src/agent/engine.ts"
import type { Architecture } from "./packages.ts"

/**
 * What the runtime is told in a CNI call, twice, since the stack is moved by 16 bytes: not to compile what runs once. That
 * takes longer than it saves: an ADD takes three quarters of its time without (npm run bench). It also has no memory then
 * that can be both written to and executed.
 */
const forCalls = "BUN_JSC_useJIT=0"

/** What the agent tells the runtime. A CNI call does without: with a value that is none the runtime refuses to start. */
export const forAgent = Object.keys(engine).map((name) => `${name}=`)

/** Bytes from where the code is put to the runtime's entry point, and to the C library's variable `environ`. */
export interface Distances {
  readonly entry: number
  readonly environ: number
}

/** The code for an architecture. The names follow it at once, each with a NUL behind it, and one more NUL at their end. */
export const doorkeeper = (architecture: Architecture, { entry, environ }: Distances): Buffer => {
  const code = bytesOf(lines[architecture])
  const distances = code.length - bytesOf(data).length
  code.writeBigInt64LE(BigInt(entry), distances)
  code.writeBigInt64LE(BigInt(environ), distances + 8)
  return code
}

type Line = readonly [bytes: string, words: string]

const bytesOf = (all: ReadonlyArray<Line>): Buffer =>
  Buffer.from(all.map(([bytes]) => bytes.replaceAll(" ", "")).join(""), "hex")

const string = (text: string): Line => [Buffer.from(`${text}\0`).toString("hex"), `.asciz "${text}"`]

/** What both end in: the two distances, the variable, what only the agent is told, and where the other names begin. */
const data: ReadonlyArray<Line> = [
  ["", "runtime:"],
  ["0000000000000000", ".quad 0"],
  ["", "environ:"],
  ["0000000000000000", ".quad 0"],
  ["", "variable:"],
  string(forCalls),
  ["", "engine:"],
  ...forAgent.map(string),
  ["", "names:"]
]

const x64: ReadonlyArray<Line> = [
  ["", "entry:"],
  ["48 8b 0c 24", "mov rcx, [rsp]"],
  ["48 8d 74 cc 10", "lea rsi, [rsp+rcx*8+16]"],
  ["48 89 f7", "mov rdi, rsi"],
  ["4c 8d 1d c5 01 00 00", "lea r11, [rip+names]"],
  ["48 83 f9 01", "cmp rcx, 1"],
  ["74 07", "je next"],
  ["4c 8d 1d b1 00 00 00", "lea r11, [rip+engine]"],
  ["", "next:"],
  ["48 ad", "lodsq"],
  ["48 85 c0", "test rax, rax"],
  ["74 30", "jz end"],
  ["4d 89 d8", "mov r8, r11"],
  ["", "name:"],
  ["41 80 38 00", "cmp byte ptr [r8], 0"],
  ["74 f0", "je next"],
  ["49 89 c1", "mov r9, rax"],
  ["", "letter:"],
  ["45 8a 10", "mov r10b, [r8]"],
  ["49 ff c0", "inc r8"],
  ["45 84 d2", "test r10b, r10b"],
  ["74 15", "jz keep"],
  ["45 3a 11", "cmp r10b, [r9]"],
  ["4d 8d 49 01", "lea r9, [r9+1]"],
  ["74 ec", "je letter"],
  ["", "skip:"],
  ["41 80 78 ff 00", "cmp byte ptr [r8-1], 0"],
  ["74 dc", "je name"],
  ["49 ff c0", "inc r8"],
  ["eb f4", "jmp skip"],
  ["", "keep:"],
  ["48 ab", "stosq"],
  ["eb c9", "jmp next"],
  ["", "end:"],
  ["48 39 f7", "cmp rdi, rsi"],
  ["73 04", "jae shortened"],
  ["48 ab", "stosq"],
  ["eb f7", "jmp end"],
  ["", "shortened:"],
  ["48 83 f9 01", "cmp rcx, 1"],
  ["75 3a", "jne run"],
  ["48 89 e6", "mov rsi, rsp"],
  ["48 83 ec 10", "sub rsp, 16"],
  ["48 89 e7", "mov rdi, rsp"],
  ["48 a5", "movsq"],
  ["48 a5", "movsq"],
  ["48 a5", "movsq"],
  ["49 89 f8", "mov r8, rdi"],
  ["", "move:"],
  ["48 ad", "lodsq"],
  ["48 85 c0", "test rax, rax"],
  ["74 04", "jz put"],
  ["48 ab", "stosq"],
  ["eb f5", "jmp move"],
  ["", "put:"],
  ["48 8d 05 35 00 00 00", "lea rax, [rip+variable]"],
  ["48 ab", "stosq"],
  ["48 ab", "stosq"],
  ["48 8d 05 6a ff ff ff", "lea rax, [rip+entry]"],
  ["48 03 05 1b 00 00 00", "add rax, [rip+environ]"],
  ["4c 89 00", "mov [rax], r8"],
  ["", "run:"],
  ["48 8d 05 59 ff ff ff", "lea rax, [rip+entry]"],
  ["48 03 05 02 00 00 00", "add rax, [rip+runtime]"],
  ["ff e0", "jmp rax"],
  ...data
]

const arm64: ReadonlyArray<Line> = [
  ["", "entry:"],
  ["e90340f9", "ldr x9, [sp]"],
  ["900f0010", "adr x16, names"],
  ["3f0500f1", "cmp x9, #1"],
  ["40000054", "b.eq begin"],
  ["f0060030", "adr x16, engine"],
  ["", "begin:"],
  ["e96f298b", "add x9, sp, x9, lsl #3"],
  ["29410091", "add x9, x9, #16"],
  ["ea0309aa", "mov x10, x9"],
  ["", "next:"],
  ["2b8540f8", "ldr x11, [x9], #8"],
  ["0b0200b4", "cbz x11, end"],
  ["ec0310aa", "mov x12, x16"],
  ["", "name:"],
  ["8d014039", "ldrb w13, [x12]"],
  ["8dffff34", "cbz w13, next"],
  ["ee030baa", "mov x14, x11"],
  ["", "letter:"],
  ["8d154038", "ldrb w13, [x12], #1"],
  ["0d010034", "cbz w13, keep"],
  ["cf154038", "ldrb w15, [x14], #1"],
  ["bf010f6b", "cmp w13, w15"],
  ["80ffff54", "b.eq letter"],
  ["", "skip:"],
  ["8df15f38", "ldurb w13, [x12, #-1]"],
  ["edfeff34", "cbz w13, name"],
  ["8c050091", "add x12, x12, #1"],
  ["fdffff17", "b skip"],
  ["", "keep:"],
  ["4b8500f8", "str x11, [x10], #8"],
  ["f0ffff17", "b next"],
  ["", "end:"],
  ["5f0109eb", "cmp x10, x9"],
  ["62000054", "b.hs shortened"],
  ["5f8500f8", "str xzr, [x10], #8"],
  ["fdffff17", "b end"],
  ["", "shortened:"],
  ["6cfcff10", "adr x12, entry"],
  ["eb0340f9", "ldr x11, [sp]"],
  ["7f0500f1", "cmp x11, #1"],
  ["01020054", "b.ne run"],
  ["e9030091", "mov x9, sp"],
  ["ff4300d1", "sub sp, sp, #16"],
  ["ea030091", "mov x10, sp"],
  ["2b35c1a8", "ldp x11, x13, [x9], #16"],
  ["4b3581a8", "stp x11, x13, [x10], #16"],
  ["2b8540f8", "ldr x11, [x9], #8"],
  ["4b8500f8", "str x11, [x10], #8"],
  ["ad010058", "ldr x13, environ"],
  ["8a692df8", "str x10, [x12, x13]"],
  ["", "move:"],
  ["2b8540f8", "ldr x11, [x9], #8"],
  ["6b0000b4", "cbz x11, put"],
  ["4b8500f8", "str x11, [x10], #8"],
  ["fdffff17", "b move"],
  ["", "put:"],
  ["2b010010", "adr x11, variable"],
  ["4b2d00a9", "stp x11, x11, [x10]"],
  ["", "run:"],
  ["6d000058", "ldr x13, runtime"],
  ["8c010d8b", "add x12, x12, x13"],
  ["80011fd6", "br x12"],
  ...data
]

/** The instructions of each architecture in their order; labels have no bytes. */
export const lines: Readonly<Record<Architecture, ReadonlyArray<Line>>> = { x64, arm64 }
