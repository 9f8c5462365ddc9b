/**
 * The first instructions of the executable, for each architecture: they shorten the environment in place, on the stack
 * where the kernel put it, to the entries that begin with a name of the list behind the code, and go on to where the
 * runtime begins. The dynamic linker has run by then; its registers and the stack are as it left them.
 *
 * A line is an instruction, as bytes and in words; test/project/environment.test.ts has an assembler compare the two.
 */

import type { Architecture } from "./packages.ts"

/**
 * The code for an architecture, to be put at an address from which the runtime's entry point is `distance` bytes away. The
 * names follow it at once, each with a NUL behind it, and one more NUL at their end.
 */
export const doorkeeper = (architecture: Architecture, distance: number): Buffer => {
  const code = Buffer.from(lines[architecture].map(([bytes]) => bytes.replaceAll(" ", "")).join(""), "hex")
  // Both end in the distance: from the end of the jump, and from the beginning.
  if (architecture === "x64") code.writeInt32LE(distance - code.length, code.length - 4)
  else code.writeBigInt64LE(BigInt(distance), code.length - 8)
  return code
}

type Line = readonly [bytes: string, words: string]

const x64: ReadonlyArray<Line> = [
  ["", "entry:"],
  ["48 8b 0c 24", "mov rcx, [rsp]"],
  ["48 8d 74 cc 10", "lea rsi, [rsp+rcx*8+16]"],
  ["48 89 f7", "mov rdi, rsi"],
  ["", "next:"],
  ["48 ad", "lodsq"],
  ["48 85 c0", "test rax, rax"],
  ["74 34", "jz end"],
  ["4c 8d 05 3b 00 00 00", "lea r8, [rip+names]"],
  ["", "name:"],
  ["41 80 38 00", "cmp byte ptr [r8], 0"],
  ["74 ec", "je next"],
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
  ["eb c5", "jmp next"],
  ["", "end:"],
  ["48 39 f7", "cmp rdi, rsi"],
  ["73 04", "jae run"],
  ["48 ab", "stosq"],
  ["eb f7", "jmp end"],
  ["", "run:"],
  ["e9", ".byte 0xe9"],
  ["00 00 00 00", ".long 0"],
  ["", "names:"]
]

const arm64: ReadonlyArray<Line> = [
  ["", "entry:"],
  ["e90340f9", "ldr x9, [sp]"],
  ["e96f298b", "add x9, sp, x9, lsl #3"],
  ["29410091", "add x9, x9, #16"],
  ["ea0309aa", "mov x10, x9"],
  ["", "next:"],
  ["2b8540f8", "ldr x11, [x9], #8"],
  ["0b0200b4", "cbz x11, end"],
  ["2c030010", "adr x12, names"],
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
  ["62000054", "b.hs run"],
  ["5f8500f8", "str xzr, [x10], #8"],
  ["fdffff17", "b end"],
  ["", "run:"],
  ["ecfcff10", "adr x12, entry"],
  ["6d000058", "ldr x13, distance"],
  ["8c010d8b", "add x12, x12, x13"],
  ["80011fd6", "br x12"],
  ["", "distance:"],
  ["0000000000000000", ".quad 0"],
  ["", "names:"]
]

/** The instructions of each architecture in their order; labels have no bytes. */
export const lines: Readonly<Record<Architecture, ReadonlyArray<Line>>> = { x64, arm64 }
