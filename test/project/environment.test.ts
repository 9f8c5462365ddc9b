/** The executable's first instructions, and the list of what they let through. */
import { execFileSync } from "node:child_process"
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { copyOf } from "../../scripts/build/copyOf.ts"
import { lines } from "../../scripts/build/doorkeeper.ts"
import { knownToRuntime, passed } from "../../scripts/build/environment.ts"
import { type Architecture, architectures, isArchitecture, packageFolder } from "../../scripts/build/packages.ts"
import { makeFolder } from "../lab/folder.ts"

/** What Debian's packages binutils-x86-64-linux-gnu and binutils-aarch64-linux-gnu install. */
const binutils: Readonly<Record<Architecture, string>> = {
  x64: "/usr/bin/x86_64-linux-gnu",
  arm64: "/usr/bin/aarch64-linux-gnu"
}

describe.each(Object.keys(architectures) as ReadonlyArray<Architecture>)("the code for %s", (architecture) => {
  const as = `${binutils[architecture]}-as`

  it.skipIf(!existsSync(as))(`is what an assembler makes of its words (${as})`, async () => {
    await using folder = await makeFolder("doorkeeper")
    const file = (name: string) => join(folder.path, name)
    const words = lines[architecture].map(([, text]) => text)
    writeFileSync(file("code.s"), [architecture === "x64" ? ".intel_syntax noprefix" : "", ...words, ""].join("\n"))
    execFileSync(as, [file("code.s"), "-o", file("code.o")])
    execFileSync(`${binutils[architecture]}-objcopy`, ["-O", "binary", "-j", ".text", file("code.o"), file("code")])
    const bytes = lines[architecture].map(([text]) => text.replaceAll(" ", "")).join("")
    assert.strictEqual(bytes, readFileSync(file("code")).toString("hex"))
  })
})

describe("the C library's variable of the environment", () => {
  const here = isArchitecture(process.arch) ? architectures[process.arch].bun : "x64"
  const runtime = join(packageFolder(new URL("../..", import.meta.url).pathname, `@oven/bun-linux-${here}`), "bin/bun")
  const readelf = "/usr/bin/readelf"

  it.skipIf(!existsSync(readelf))(`is where another's tool finds it too (${readelf})`, () => {
    const relocations = execFileSync(readelf, ["-rW", runtime], { encoding: "utf8", maxBuffer: 2 ** 28 })
    const [, address] = /^([0-9a-f]+) .*_COPY .*\benviron@/m.exec(relocations) ?? []
    assert.strictEqual(copyOf("environ", readFileSync(runtime)), Number(`0x${address}`))
  })

  it("is not found where there is none", () => {
    assert.throws(() => copyOf("surroundings", readFileSync(runtime)), /no copy of its C library's surroundings/)
  })
})

describe("the variables that reach the program", () => {
  const isPassed = (name: string): boolean => passed.some((start) => `${name}=`.startsWith(start))

  it("are all that the sources read", () => {
    const read = globSync("src/**/*.ts").flatMap((file) =>
      [...readFileSync(file, "utf8").matchAll(/\benv(?:\["(\w+)"\]|\.([A-Z]\w+))/g)].map(
        (match) => match[1] ?? match[2]
      )
    )
    assert.includeMembers(read, ["CNI_COMMAND", "CNI_PATH"])
    assert.deepStrictEqual(
      read.filter((name) => !isPassed(name ?? "")),
      []
    )
  })

  it("are none of those that the runtime knows, or there is no executable", () => {
    assert.deepStrictEqual(knownToRuntime(Buffer.from("PATH\0PWD\0BUN_OPTIONS\0NODE_ENV")), [])
    assert.deepStrictEqual(knownToRuntime(Buffer.from("getenv\0CNI_RUNTIME_HOOK\0")), ["CNI_"])
    assert.deepStrictEqual(knownToRuntime(Buffer.from("packedTRACESTATEtogether")), ["TRACESTATE="])
  })
})
