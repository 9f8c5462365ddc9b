/** What the executable does beside CNI calls: every `macvtap <command>`, in the order in which help names them. */
import type * as Effect from "effect/Effect"
import { agent } from "./agent/command.ts"
import { pluginVersion } from "./cni/call/version.ts"
import type { Command } from "./command/Command.ts"
import { run, type Start } from "./command/run.ts"
import { devicePlugin } from "./device-plugin/command.ts"
import { doctor } from "./tools/doctor/doctor.ts"
import { install } from "./tools/install/install.ts"
import { list } from "./tools/list/list.ts"
import { uninstall } from "./tools/uninstall/uninstall.ts"
import { trace } from "./trace/command.ts"

/** Each knows the types of its own options; to whoever runs them they are commands. */
export const commands = [
  agent,
  devicePlugin,
  install,
  uninstall,
  doctor,
  list,
  trace
] as ReadonlyArray<unknown> as ReadonlyArray<Command>

/** The answer to `--version`; `askProgram` knows our executables by it. */
export const versionText = `macvtap (macvtap-cni) ${pluginVersion}\n`

/** Whether being told to end is the end of a command's work, and no failure. */
export const isResident = (name: string): boolean =>
  commands.some((command) => command.name === name && command.resident === true)

/** Runs a command line and gives its exit status. */
export const runCommand = (argv: ReadonlyArray<string>, start: Start): Effect.Effect<number> =>
  run({ commands, versionText }, argv, start)
