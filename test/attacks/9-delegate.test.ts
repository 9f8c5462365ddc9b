/** Attack 9: a network names an IPAM plugin of its own choice, to read the secrets in the runtime's environment. */
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { makeFolder } from "../lab/folder.ts"
import { hasExecutable } from "../lab/machine.ts"
import { callPlugin } from "../lab/plugin.ts"

/** What the protocol names, and what a trace is made of. */
const named = {
  PATH: "/usr/bin:/bin",
  CNI_COMMAND: "STATUS",
  CNI_ARGS: "K8S_POD_NAME=p",
  TRACEPARENT: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  TRACESTATE: "a=b",
  BAGGAGE: "c=d"
}

describe.skipIf(!hasExecutable)("attack 9: an IPAM plugin", () => {
  it("sees what the protocol names, and no secret of the runtime", async () => {
    await using folder = await makeFolder("attack-9")
    const seen = join(folder.path, "seen")
    await writeFile(join(folder.path, "spy"), `#!/bin/sh\nexec /usr/bin/env > ${seen}\n`, { mode: 0o755 })
    const secrets = { AWS_SECRET_ACCESS_KEY: "secret", HTTPS_PROXY: "http://me:secret@proxy", CNISECRET: "secret" }
    const { status, stdout } = await callPlugin({
      env: { ...named, ...secrets, CNI_PATH: folder.path },
      stdin: { cniVersion: "1.1.0", name: "n", type: "macvtap", master: "lo", ipam: { type: "spy" } }
    })
    assert.strictEqual(status, 0, stdout)
    const lines = (await readFile(seen, "utf8")).trimEnd().split("\n")
    // What the shell adds by itself.
    const given = lines.filter((line) => !/^(PWD|SHLVL|OLDPWD|_)=/.test(line))
    assert.sameMembers(
      given,
      Object.entries({ ...named, CNI_PATH: folder.path }).map(([name, value]) => `${name}=${value}`)
    )
  })
})
