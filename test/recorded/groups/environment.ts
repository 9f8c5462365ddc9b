/** What is wrong with the environment, command by command; and VERSION, and a person without a command. */
import { type Call, conf, configured, env, type Group } from "../call.ts"

const variables = ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH", "CNI_ARGS"] as const

const bad: ReadonlyArray<readonly [name: (typeof variables)[number] | "CNI_NETNS_OVERRIDE", value: string]> = [
  ["CNI_CONTAINERID", "%"],
  ["CNI_CONTAINERID", "a b"],
  ["CNI_CONTAINERID", ".a"],
  ["CNI_IFNAME", "sixteen-letters!"],
  ["CNI_IFNAME", ".."],
  ["CNI_IFNAME", "a/b"],
  ["CNI_IFNAME", "a b"],
  ["CNI_IFNAME", "net%d"],
  ["CNI_ARGS", "nonsense"],
  ["CNI_ARGS", "a=b=c"],
  ["CNI_ARGS", "Unknown=1"],
  ["CNI_ARGS", "ignoreunknown=1"],
  ["CNI_ARGS", "IgnoreUnknown=maybe"],
  ["CNI_ARGS", "MAC=xx;"],
  ["CNI_ARGS", "MAC=01:00:5e:00:00:01"],
  ["CNI_NETNS", "/run/netns/none"],
  ["CNI_NETNS", "/etc/passwd"],
  ["CNI_NETNS", "/proc/self/ns/mnt"],
  ["CNI_NETNS", "/proc/self/ns/net"],
  ["CNI_NETNS", "relative"],
  ["CNI_PATH", "relative:/run/ipam"]
]

/** ADD with a good configuration would make something. */
const wrong = conf({ master: "none0" })

const ofCommand = (command: string): ReadonlyArray<Call> => [
  { what: `without any other variable`, env: { CNI_COMMAND: command }, stdin: wrong },
  ...variables.map((name) => ({
    what: `without ${name}`,
    env: env(command, { [name]: undefined }),
    stdin: wrong
  })),
  ...variables.map((name) => ({ what: `with empty ${name}`, env: env(command, { [name]: "" }), stdin: wrong })),
  ...bad.map(([name, value]) => ({
    what: `with ${name} ${value}`,
    env: env(command, { [name]: value }),
    stdin: wrong
  }))
]

const programs = ["macvtap", "macvlan", "macvtap-cni"] as const

export const environment: ReadonlyArray<Group> = [
  ...configured.map((command) => ({ name: `environment of ${command}`, steps: ofCommand(command) })),
  {
    name: "no command",
    steps: [
      { what: "VERSION alone", env: { CNI_COMMAND: "VERSION" }, stdin: "" },
      { what: "VERSION with all", env: env("VERSION"), stdin: conf() },
      { what: "VERSION with what is wrong", env: env("VERSION", { CNI_CONTAINERID: "%" }), stdin: "{" },
      { what: "VERSION of another version", env: env("VERSION"), stdin: conf({ cniVersion: "9.9.9" }) },
      ...programs.map((program) => ({ what: `a person at ${program}`, env: {}, stdin: "", program })),
      ...programs.map((program) => ({
        what: `VERSION of ${program}`,
        env: { CNI_COMMAND: "VERSION" },
        stdin: conf({ cniVersion: "0.3.1" }),
        program
      })),
      { what: "an empty command", env: env(""), stdin: conf() },
      ...["NOPE", "add", "ADD ", "\u001b[31m", "x".repeat(100)].flatMap((command) => [
        { what: `${command} with a configuration`, env: env(command), stdin: conf() },
        { what: `${command} without a name`, env: env(command), stdin: "{}" },
        { what: `${command} alone`, env: { CNI_COMMAND: command }, stdin: "" }
      ])
    ]
  }
]
