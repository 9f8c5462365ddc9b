/** `macvtap install`: what a container runtime is to find in its folder of CNI plugins, put there. */
import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import { FileSystem } from "effect/FileSystem"
import { makeCommand, type Surroundings, ToolError, UsageError } from "../../command/Command.ts"
import { quote } from "../../wire/foreign.ts"
import { statFile } from "../node/files.ts"
import { platform } from "../node/platform.ts"
import { clientName, standaloneName } from "../node/programs.ts"
import { temporaries } from "../node/temporaries.ts"
import { siteOptions } from "../site.ts"
import { linkInto, told } from "./copy.ts"
import { policyIn, putPolicy } from "./policy.ts"
import { put, Unfit } from "./put.ts"

export const install = makeCommand({
  name: "install",
  summary: "put the plugin where the container runtime looks for CNI plugins",
  description: [
    `Where the client (${clientName}, which hands a call to the agent of this node) lies beside the running executable, ` +
      `it is what the runtime finds under the plugin's name, and the executable goes beside it as ${standaloneName}, ` +
      "which the client becomes where no agent answers; that is left out where it does not run. Without a client the " +
      "executable is the plugin.",
    "Each program is written beside its place, run to see that it works, and renamed over, so that a runtime never sees half " +
      "a file. Does nothing where the same file is there already."
  ],
  options: {
    to: { type: "string", value: "DIR", path: true, default: "/opt/cni/bin", help: "the folder of the CNI plugins" },
    name: {
      type: "string",
      value: "NAME",
      default: "macvtap",
      help: `the plugin's name, the "type" of configurations`
    },
    also: {
      type: "string",
      multiple: true,
      value: "NAME",
      default: [],
      help: "a further name for the same file; as macvlan it makes macvlans, in place of the plugin of that name"
    },
    policy: {
      type: "string",
      value: "FILE",
      path: true,
      help: "a policy for this node, copied once it is seen to be one; a file that is not there changes nothing"
    },
    "without-standalone": {
      type: "boolean",
      help: `leave ${standaloneName} out: calls then need the agent`
    },
    "state-dir": { ...siteOptions["state-dir"], help: "where the policy goes" }
  },
  run: Effect.fn("install")(function* ({ to, name, also, ...rest }, surroundings) {
    const { executable, out } = surroundings
    yield* checkNames([name, ...also])
    const from = yield* findExecutable(executable)
    const client = join(dirname(from), clientName)
    yield* checkFolder(to)
    yield* removeTemporaries(to, out)
    const file = join(to, name)
    if (statFile(client)?.isFile() !== true) yield* out(`${file}: ${yield* put(from, file, "Ours")}\n`)
    else {
      // First, so that a client is never without what it falls back to.
      const beside = join(to, standaloneName)
      const done = rest["without-standalone"] ? "left out, as told" : yield* putStandalone(from, beside, surroundings)
      yield* out(`${beside}: ${done}\n`)
      yield* out(`${file}: ${yield* put(client, file, "Client")}\n`)
    }
    for (const other of also.filter((one) => one !== name)) {
      const link = join(to, other)
      const done = yield* told(link, linkInto(file, link))
      yield* out(`${link}: ${done ? `another name of ${name} now` : "up to date"}\n`)
    }
    if (rest.policy !== undefined) yield* putPolicy(rest.policy, policyIn(rest["state-dir"]), surroundings)
    return 0
  }, Effect.provide(platform))
})

const checkNames = (names: ReadonlyArray<string>): Effect.Effect<void, UsageError> => {
  const wrong = names.find((name) => !/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name) || name === standaloneName)
  return wrong === undefined
    ? Effect.void
    : Effect.fail(new UsageError({ problem: `${quote(wrong)} is no name for a plugin` }))
}

const findExecutable = (executable: string | undefined): Effect.Effect<string, ToolError> =>
  executable !== undefined && statFile(executable)?.isFile() === true
    ? Effect.succeed(executable)
    : Effect.fail(
        new ToolError({
          problem: "there is no executable to install: these are the sources running",
          advice: `build it with "npm run build", then run "dist/macvtap install"`
        })
      )

const checkFolder = (to: string): Effect.Effect<void, ToolError> =>
  statFile(to)?.isDirectory() === true
    ? Effect.void
    : Effect.fail(
        new ToolError({
          problem: `there is no folder ${to}`,
          advice: "name the folder where your runtime looks for CNI plugins with --to"
        })
      )

const removeTemporaries = Effect.fnUntraced(function* (to: string, out: Surroundings["out"]) {
  for (const file of temporaries(to)) {
    yield* told(file, (yield* FileSystem).remove(file, { force: true }))
    yield* out(`${file}: removed, left by an installation that was stopped\n`)
  }
})

/** An executable that does not run here is no reason to be without the client. */
const putStandalone = (from: string, to: string, surroundings: Surroundings) =>
  put(from, to, "Ours").pipe(
    Effect.map(
      (done) =>
        `${done}${inPod(surroundings) ? "; it runs in this container, the host's own libraries were not seen" : ""}`
    ),
    Effect.catch((error) =>
      error instanceof Unfit
        ? Effect.succeed(`left out, since ${error.why}; calls need the agent, macvtap agent`)
        : Effect.fail(error)
    )
  )

/** The DaemonSet's init container: what runs in there is not yet what runs on the host. */
const inPod = ({ env }: Surroundings): boolean => env["KUBERNETES_SERVICE_HOST"] !== undefined
