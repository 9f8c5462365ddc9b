/** IPAM plugins that are shell scripts: what they are told, they write down; what they answer, the test says. */
import { chmod, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { makeFolder } from "../folder.ts"
import { debianPlugins } from "../plugin.ts"

export interface Stub extends AsyncDisposable {
  /** CNI_PATH with the stub, which is called `stub`, and Debian's plugins. */
  readonly path: string
  readonly folder: string
  /** The commands so far. */
  readonly calls: () => Promise<ReadonlyArray<string>>
  /** What the last call of that command had on stdin. */
  readonly stdin: (command: string) => Promise<string>
}

const read = (file: string): Promise<string> => readFile(file, "utf8").catch(() => "")

/** `commands` are shell commands by CNI_COMMAND; without one a call succeeds and says nothing. */
export const makeStub = async (commands: Readonly<Record<string, string>>): Promise<Stub> => {
  const folder = await makeFolder("pl-ipam")
  const file = join(folder.path, "stub")
  const cases = Object.entries(commands).map(([command, script]) => `${command})\n${script}\n;;`)
  await writeFile(
    file,
    `#!/bin/sh\ncat > "${folder.path}/$CNI_COMMAND"\necho "$CNI_COMMAND" >> "${folder.path}/calls"\n` +
      `case "$CNI_COMMAND" in\n${cases.join("\n")}\nesac\n`
  )
  await chmod(file, 0o755)
  return {
    path: `${folder.path}:${debianPlugins}`,
    folder: folder.path,
    calls: async () => (await read(join(folder.path, "calls"))).split("\n").filter((line) => line !== ""),
    stdin: (command) => read(join(folder.path, command)),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]()
  }
}

/** A script that says just this. */
export const says = (document: object | string): string =>
  `cat <<'END'\n${typeof document === "string" ? document : JSON.stringify(document)}\nEND`
